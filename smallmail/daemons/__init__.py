"""The room daemons."""
