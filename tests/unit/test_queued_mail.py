"""Whose mail it is that waits, by what postcat(1) prints of it."""

from __future__ import annotations

import pytest

from smallmail.queued_mail import Origin, is_by, origins

ANNA = "anna@example.org"
SAID = """\
*** ENVELOPE RECORDS deferred/A/A1B2C3 ***
message_size:             500             200               1               0             500
create_time: Thu Nov 26 22:00:00 2026
named_attribute: log_message_origin=client.example.net[203.0.113.77]
sender: sales@example.org
named_attribute: sasl_username=anna@example.org
named_attribute: client_address=203.0.113.77
recipient: named_attribute: sasl_username=bob@example.org
*** MESSAGE FILE END deferred/A/A1B2C3 ***
postcat: warning: open queue file D4E5F6: No such file or directory
*** ENVELOPE RECORDS hold/4cXyZ123 ***
sender: anna+forwarded@example.org
named_attribute: client_address=127.0.0.1
recipient: x@example.net
*** MESSAGE FILE END hold/4cXyZ123 ***
"""


def test_what_postcat_prints() -> None:
    assert list(origins(SAID)) == [("A1B2C3", Origin(ANNA, "sales@example.org", False)),
                                   ("4cXyZ123", Origin("", "anna+forwarded@example.org", True))]
    assert list(origins("")) == []


@pytest.mark.parametrize(("origin", "hers"), [
    (Origin(ANNA, "sales@example.org", False), True),
    (Origin("bob@example.org", ANNA, False), False),
    (Origin("bob@example.org", ANNA, True), False),
    (Origin("", "anna+forwarded@example.org", True), True),
    (Origin("", ANNA, False), False),   # forged by a stranger
    (Origin("", "", True), False),
])  # fmt: skip
def test_whose_mail_it_is(origin: Origin, hers: bool) -> None:
    assert is_by(origin, ANNA) == hers
