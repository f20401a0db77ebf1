"""The room publishing."""
