"""TestState: one state of a definition, tried with an input and mocks, and nothing stored.

`subject` finds the state, `mocks` and `contexts` judge what the caller made up, `trial` runs
it, `inspection` keeps what each stage of the data flow made. The rules of Retry and Catch and
the expressions are those of executions.
"""
