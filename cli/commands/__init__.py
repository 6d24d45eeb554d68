"""One module per command: its arguments, and what it does. Heavy imports wait for `run`."""
