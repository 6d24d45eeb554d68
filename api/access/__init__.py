"""Who asks, and what they may do: signatures, access keys, policies, the tables of both."""
