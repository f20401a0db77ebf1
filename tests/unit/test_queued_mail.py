"""Whose mail it is that waits, by what postcat(1) prints of it."""

from __future__ import annotations

import pytest

from smallmail.queued_mail import Origin, is_by, origins

ANNA = "anna@example.org"
MARK = "0f" * 16
SAID = f"""\
{MARK} A1B2C3
*** ENVELOPE RECORDS deferred/A/A1B2C3 ***
message_size:             500             200               1               0             500
create_time: Thu Nov 26 22:00:00 2026
named_attribute: log_message_origin=client.example.net[203.0.113.77]
sender: sales@example.org
named_attribute: sasl_username=anna@example.org
named_attribute: client_address=203.0.113.77
recipient: named_attribute: sasl_username=bob@example.org
*** MESSAGE FILE END deferred/A/A1B2C3 ***
{MARK} D4E5F6
{MARK} 4cXyZ123
*** ENVELOPE RECORDS hold/4cXyZ123 ***
sender: anna+forwarded@example.org
named_attribute: client_address=127.0.0.1
recipient: x@example.net
*** MESSAGE FILE END hold/4cXyZ123 ***
"""


def test_what_postcat_prints() -> None:
    assert list(origins(SAID, MARK)) == [
        ("A1B2C3", Origin({ANNA}, {"sales@example.org"}, False)), ("D4E5F6", Origin(set(), set(), False)),
        ("4cXyZ123", Origin(set(), {"anna+forwarded@example.org"}, True))]
    assert list(origins("", MARK)) == []


def test_a_line_break_in_an_envelope_names_no_other_message() -> None:
    """And does not hide the login either: ORCPT and a full name come before the login or after it."""
    said = (f"{MARK} A1\nsender_fullname: x\n*** ENVELOPE RECORDS deferred/B2 ***\n"
            f"named_attribute: sasl_username={ANNA}\n"
            "named_attribute: sasl_username=bob@example.org\nclient_address=127.0.0.1\n")
    (name, origin), = origins(said, MARK)
    assert name == "A1" and is_by(origin, ANNA) and is_by(origin, "bob@example.org")


@pytest.mark.parametrize(("origin", "hers"), [
    (Origin({ANNA}, {"sales@example.org"}, False), True),
    (Origin({"bob@example.org"}, {ANNA}, False), False),
    (Origin({"bob@example.org"}, {ANNA}, True), False),
    (Origin(set(), {"anna+forwarded@example.org"}, True), True),
    (Origin(set(), {ANNA}, False), False),   # forged by a stranger
    (Origin(set(), {""}, True), False),
])  # fmt: skip
def test_whose_mail_it_is(origin: Origin, hers: bool) -> None:
    assert is_by(origin, ANNA) == hers
