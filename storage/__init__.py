"""PostgreSQL: schema, SQL text, journal, listings and the embedded server."""
