"""`smallmail backup`: making backups (making.py) and bringing them back (restoring.py)."""
