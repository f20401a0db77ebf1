"""Space out what many clients together make this host hash."""

# How many may come at once after a pause, and how long the queue may get, in seconds.
_BURST = 1.0
_LONGEST = 60.0


class Lane:
    """So many tries a second, one behind the other (the generic cell rate algorithm)."""

    def __init__(self, rate: float) -> None:
        self._gap = 1.0 / rate
        self._free = 0.0

    def wait(self, now: float, most: float = _LONGEST) -> int:
        """Take the next place in the queue. Returns after how many whole seconds it is there; -1, and takes none, if
        that is more than `most`."""
        if self._free > now + _LONGEST + self._gap:     # the clock was set back
            self._free = now
        self._free = max(self._free, now - _BURST)
        seconds = max(0, int(self._free - now))
        if seconds > min(most, _LONGEST):
            return -1
        self._free += self._gap
        return seconds
