"""JSONata mode: expressions between `{%` and `%}`, evaluated under limits."""
