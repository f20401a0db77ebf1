"""What must be true between settings."""

from __future__ import annotations

import pytest

from smallmail.errors import Problem
from smallmail.settings import rules
from smallmail.settings.fields import Settings
from tests.unit.settings.test_fields import GOOD


@pytest.mark.parametrize("change, sentence", [
    ({"hostname": ""}, "hostname is not set"),
    ({"address": "alice@example.net"}, "not in a domain of this host"),
    ({"certificate": "files"}, "needs certificate-file and key-file"),
    ({"relayhost": "[smtp.example.net]:587", "relay-username": "a"}, "belong together"),
    ({"relay-username": "a", "relay-password": "b"}, "needs a relayhost"),
    ({"message-size-limit": "10K"}, "would refuse ordinary mail"),
    ({"quota": "1M"}, "smaller than one message"),
])
def test_rules_between_settings(change: dict[str, str], sentence: str) -> None:
    with pytest.raises(Problem, match=sentence):
        rules.check(Settings(dict(GOOD, **change)))


def test_good_settings_break_no_rule() -> None:
    rules.check(Settings(dict(GOOD, quota="5G")))
