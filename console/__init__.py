"""The web console and the approval pages."""
