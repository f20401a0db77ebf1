"""Dates have one form, whatever the time zone of the host is."""

from __future__ import annotations

import time

import pytest

from smallmail.machine import dates


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Asia/Tokyo"])
def test_a_date_is_in_utc_and_says_so(monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert dates.day(1795651499) == "2026-11-26"
        assert dates.minute(1795651499) == "2026-11-26 00:04 UTC"
    finally:
        monkeypatch.undo()
        time.tzset()
