"""The table of settings: defaults, and values that are refused."""

from __future__ import annotations

import pytest

from smallmail.errors import Problem, WrongUsage
from smallmail.settings import fields
from smallmail.settings.fields import Settings

GOOD = {"hostname": "mail.example.org", "domain": "example.org", "address": "alice@example.org"}


def test_defaults_fill_what_is_not_said() -> None:
    made = Settings(GOOD)
    assert made.domain == ["example.org"]
    assert made.message_size_limit == 50 * 1024 * 1024
    assert made.greylisting is True
    assert made.resolver == ["system"]


def test_a_wrong_value_is_one_sentence_that_names_the_setting() -> None:
    with pytest.raises(Problem, match="^hostname: 'mail' is not a full name"):
        Settings(dict(GOOD, hostname="mail"))


def test_an_unknown_setting_is_wrong_usage() -> None:
    with pytest.raises(WrongUsage, match="there is no setting 'frobnicate'; smallmail.conf\\(5\\) lists them"):
        fields.known("frobnicate")
