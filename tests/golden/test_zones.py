"""Wrong zones are diagnosed, correct ones raise no alarm. After an intended change of words: `expected` beside them."""

from __future__ import annotations

import pytest

from smallmail.zones import dns_check
from tests.golden import zones


@pytest.mark.parametrize("name", zones.NAMES)
def test_zone(name: str) -> None:
    found = dns_check.judge(zones.wanted(), zones.asking(zones.text(name)), zones.signed)
    assert zones.lines(found) == [zones.SIGNED, *zones.expected(name)]
    assert any(line.startswith("problem: ") for line in zones.expected(name)) != name.startswith("correct-")
    assert all(finding.why and (finding.commands or finding.records or finding.advice) for finding in found
               if finding.severity == "problem"), found


def test_there_are_enough() -> None:
    correct = [name for name in zones.NAMES if name.startswith("correct-")]
    assert len(correct) >= 5 and len(zones.NAMES) - len(correct) >= 20
