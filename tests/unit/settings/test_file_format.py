"""The settings file: read strictly, changed so that comments stay."""

from __future__ import annotations

import pytest

from smallmail.errors import Problem
from smallmail.settings import fields, file_format


def test_default_file_explains_every_setting_and_sets_none() -> None:
    text = file_format.default_text()
    assert file_format.parse(text) == {}
    for name in fields.FIELDS:
        assert f"\n# {name} =" in text


def test_edit_keeps_comments_and_puts_a_value_below_its_explanation() -> None:
    text = file_format.default_text().replace("# quota = 0", "# quota = 0\n# (decided in May)")
    edited = file_format.edit(text, {"quota": "5G"})
    assert file_format.parse(edited) == {"quota": "5G"}
    before, after = text.splitlines(), edited.splitlines()
    assert [line for line in after if line not in before] == ["quota = 5G"]
    assert after[after.index("quota = 5G") + 1] == "# (decided in May)"


@pytest.mark.parametrize("value", ["plain", "a#b", "'single'", '"double"', "a'b\"c", "a, b; c", "%(x)s", "ü€", "a = b",
                                   "$x"])
def test_any_secret_survives_the_file(value: str) -> None:
    text = file_format.edit(file_format.default_text(), {"relay-password": value})
    assert file_format.parse(text)["relay-password"] == value
    assert file_format.parse(file_format.edit(text, {"quota": "1G"}))["relay-password"] == value


def test_every_other_line_stays_as_it_was_written() -> None:
    before = ["# mine", "", 'hostname="a.example"', "resolver = 192.0.2.53 # in the rack", "  quota =1G", "\t# end"]
    text = "\n".join(before) + "\n"
    assert file_format.edit(text, {}) == text
    after = file_format.edit(text, {"resolver": "192.0.2.54", "take-over": "yes"}).splitlines()
    assert after[:3] + after[4:] == before[:3] + before[4:] + ["take-over = yes"]
    assert after[3].split() == "resolver = 192.0.2.54 # in the rack".split()
    assert file_format.parse(file_format.edit(text, {"quota": "2G"}))["quota"] == "2G"


def test_an_unknown_key_names_its_nearest_neighbour() -> None:
    with pytest.raises(Problem, match="did you mean 'hostname'"):
        file_format.parse("hostnam = x\n")


def test_bad_syntax_and_sections_are_refused_with_a_sentence() -> None:
    with pytest.raises(Problem, match="name = value"):
        file_format.parse("hostname\n")
    with pytest.raises(Problem, match="no sections"):
        file_format.parse("[mail]\nhostname = x\n")


def test_of_a_file_without_secrets_all_is_shown() -> None:
    text = file_format.default_text()
    assert file_format.without_secrets(text) == text.splitlines()
    text = "relay-password = x\n# the next one\nquota = 1M\n# relay-password =\n# quota = 2M\n# so far\n"
    assert file_format.without_secrets(text) == ["relay-password = (not shown)", *text.splitlines()[1:]]


def test_what_no_quotes_can_hold_is_refused() -> None:
    with pytest.raises(Problem, match="quotes of all kinds"):
        file_format.edit("", {"relay-password": "a'''b\"\"\"c"})
