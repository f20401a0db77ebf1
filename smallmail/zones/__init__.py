"""The room zones."""
