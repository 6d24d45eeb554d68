"""Events to state, state to the next events. Pure: no I/O, no clock, no chance of its own."""
