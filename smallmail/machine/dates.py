"""Write dates as people read them: ISO 8601, in UTC, the same everywhere in what smallmail prints."""
import time


def day(seconds: float) -> str:
    """Return the date, "2026-11-26", of a time in seconds since 1970."""
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def minute(seconds: float) -> str:
    """Return the date and the time, "2026-11-26 14:05 UTC"."""
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))
