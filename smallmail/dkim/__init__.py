"""The room dkim."""
