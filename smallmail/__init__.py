"""smallmail: one Debian package that makes a host a complete mail server."""
__version__ = "0.1.0"
