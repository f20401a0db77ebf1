"""The room configuration."""
