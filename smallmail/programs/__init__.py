"""The room programs."""
