"""The Amazon States Language: definitions, validation, expressions. Pure: no I/O, no clock."""
