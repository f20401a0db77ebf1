"""`smallmail dns publish`, as far as it needs no name server."""

from __future__ import annotations

import pytest

from smallmail.commands import publish
from smallmail.errors import WrongUsage
from smallmail.publishing.dns_plan import Entry


def test_only_a_wanted_record_can_be_put_in_place_of_others() -> None:
    wanted = [Entry("example.org", "MX", "10 mx.example.org.")]
    assert publish._replaced([["Example.org.", "mx"]], wanted) == [("example.org", "MX")]
    with pytest.raises(WrongUsage, match="smallmail does not want the record example.org NS: "):
        publish._replaced([["example.org", "NS"]], wanted)
