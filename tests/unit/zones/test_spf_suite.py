"""The test suite of RFC 7208 by its authors (rfc7208-tests.yml, from Debian's python3-spf): the result of each case.

Explanations (exp=) are for the sender of a refused letter; only their syntax is judged, so the suite's texts are not
compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from smallmail.zones import spf

SCENARIOS = list(yaml.safe_load_all(Path(__file__).with_name("rfc7208-tests.yml").read_text("utf-8")))
CASES = [pytest.param(scenario["zonedata"], case, id=name)
         for scenario in SCENARIOS for name, case in scenario["tests"].items()]
Values = dict[str, list[str]]


def values(records: list[Any]) -> Values:
    """The records of one name by type. A server that does not answer for a type is "TIMEOUT" there; "*": for any.

    Records of the type SPF are published as TXT too, unless the name has TXT records of its own (the suite's rule)."""
    found: Values = {}
    own_texts = any(isinstance(each, dict) and "TXT" in each for each in records)
    for record in records:
        for kind, value in {record: record}.items() if isinstance(record, str) else record.items():
            if kind == "TIMEOUT":
                found.setdefault("*", []).append("TIMEOUT")
            elif kind == "MX":
                found.setdefault(kind, []).append(f"{value[0]} {value[1]}")
            elif value != "NONE" and not (kind == "SPF" and own_texts):
                text = value if isinstance(value, str) else "".join(value)
                found.setdefault("TXT" if kind == "SPF" else kind, []).append(text)
    return found


def server(zonedata: dict[str, list[Any]]) -> spf.Look:
    """What answers with the records of a scenario."""
    zone = {name.lower(): values(records) for name, records in zonedata.items()}

    def look(name: str, kind: str, aliases: int = 0) -> list[str]:
        if aliases > 10:
            raise spf.Temporary("too many aliases, one behind the other")   # as zones.authority does
        records = zone.get(name.lower().rstrip("."), {"*": ["TIMEOUT"]} if name.startswith("error.") else {})
        found = records.get(kind) or (look(records["CNAME"][0], kind, aliases + 1) if "CNAME" in records else [])
        if "TIMEOUT" in found or (not found and "*" in records):
            raise spf.Temporary("no name server answers")
        return found

    return look


@pytest.mark.parametrize(("zonedata", "case"), CASES)
def test_case_of_the_suite(zonedata: dict[str, list[Any]], case: dict[str, Any]) -> None:
    sender = case["mailfrom"] or case["helo"]       # 2.4
    sender = sender if "@" in sender else f"postmaster@{sender}"
    result = spf.check(case["host"], sender.rpartition("@")[2], sender, case["helo"], server(zonedata))
    wanted = case["result"]
    assert result.result in ([wanted] if isinstance(wanted, str) else wanted), (case.get("comment"), result.reason)
    assert result.reason


def test_the_suite_is_complete() -> None:
    assert len(CASES) == 203
