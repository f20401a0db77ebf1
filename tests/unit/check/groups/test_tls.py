"""TLS: where the certificate comes from, for which name it is, and what else is needed to send securely."""

from __future__ import annotations

import pytest

from smallmail.check.groups import tls
from smallmail.findings import NOTE, PROBLEM


@pytest.mark.parametrize(("wanted", "self_signed", "reason", "severities"), [
    ("self-signed", True, "", [NOTE]), ("letsencrypt", True, "", [NOTE]), ("letsencrypt", False, "", []),
    ("letsencrypt", True, "port 80 is taken by nginx", [PROBLEM]), ("letsencrypt", False, "not served", [PROBLEM]),
    ("files", False, "", [])])
def test_where_the_certificate_comes_from(wanted: str, self_signed: bool, reason: str,
                                          severities: list[str]) -> None:
    found = list(tls.source(wanted, self_signed, reason))
    assert [each.severity for each in found] == severities
    assert all(reason in each.why for each in found if reason)


@pytest.mark.parametrize(("names", "right"), [
    (["mx.example.org"], True), (["*.example.org"], True), (["*.org"], False), (["example.org"], False), ([], False)])
def test_the_name_in_the_certificate(names: list[str], right: bool) -> None:
    assert (list(tls.name("mx.example.org", names)) == []) == right


def test_nobody_who_knows_policies() -> None:
    asked = "socketmap:inet:127.0.0.1:8461:postfix"
    assert not list(tls.policies(asked, "active")) + list(tls.policies("", "inactive"))
    finding, = tls.policies(asked, "inactive")
    assert finding.what == "postfix-mta-sts-resolver is not running" and "waits" in finding.why
