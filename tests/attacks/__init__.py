"""Attacks on a mail server: what strangers send and do to stop it. They run against hosts of the lab only."""
