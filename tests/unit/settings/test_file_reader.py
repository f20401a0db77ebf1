"""The reader of smallmail.conf, which debconf's config script carries too."""

from __future__ import annotations

from pathlib import Path

import pytest
from configobj import ConfigObj, ConfigObjError

from smallmail.errors import Problem
from smallmail.settings import file_format, file_reader


@pytest.mark.parametrize(
    "line",
    [
        "hostname = mail.example.org  # since May", 'hostname = "a # b"', "hostname='x'", 'hostname = "a, b" # c',
        "hostname = a.example, b.example", "hostname = a,b#c", 'hostname = "a", b', "hostname = 'a' , 'b'",
        "hostname =", "hostname = # none", "hostname = it's", 'hostname = a "b" c', "hostname = a,", "hostname = ,",
        "hostname = a=b", 'hostname = "it\'s"', "  hostname=x", 'hostname = ""', '"hostname" = x', "# hostname = x",
        "; hostname = x", "hostname = '''x'''", 'hostname = """it\'s "x\\""""  # c',
        "relay-password = '''a'b\"c, #d'''",
    ],
)  # fmt: skip
def test_the_file_is_read_as_configobj_reads_it(line: str) -> None:
    """Versions up to 0.6.0 read it by ConfigObj."""
    config = ConfigObj([line], interpolation=False, write_empty_values=True)
    expected = {name: ", ".join(value) if isinstance(value, list) else value for name, value in config.items()}
    assert file_reader.read(line).mistakes == []
    assert {entry.name: entry.value for entry in file_reader.read(line).entries} == expected


def test_a_value_in_triple_quotes_may_go_over_several_lines() -> None:
    text = "quota = '''\n1G\n''' # one\n\nhostname = \"\"\"a\"\"\""
    found = file_reader.read(text)
    assert {entry.name: entry.value for entry in found.entries} == dict(ConfigObj(text.splitlines()))
    assert [(entry.first, entry.end, entry.comment) for entry in found.entries] == [(0, 3, "# one"), (4, 5, "")]
    assert file_format.edit(text, {"quota": "2G"}) == "quota = 2G  # one\n\nhostname = \"\"\"a\"\"\"\n"


@pytest.mark.parametrize(("text", "mistake"), [
    ("quota = 1G\n  s3cret", "line 2 must have the form 'name = value'"),
    ("relay-password s3cret", "line 1 must have the form 'name = value'"),
    ("= s3cret", "line 1 must have the form 'name = value'"),
    ("relay-password = 's3cret", "line 1 has a quote that is not closed"),
    ('relay-password = "s3" cret', "line 1 has text behind its closing quote"),
    ("relay-password = '''s3cret", "line 1 opens a value in triple quotes, which must be closed"),
    ("quota = 1G\nrelay-password = s3cret\nquota = 2G", "line 3 sets quota again: it must be set once"),
])
def test_a_mistake_is_named_and_no_secret_is(text: str, mistake: str) -> None:
    with pytest.raises(ConfigObjError):
        ConfigObj(text.splitlines())
    with pytest.raises(Problem) as caught:
        file_format.parse(text)
    assert str(caught.value) == "/etc/smallmail/smallmail.conf: " + mistake


def test_the_config_script_reads_on_behind_a_mistake(tmp_path: Path) -> None:
    path = tmp_path / file_reader.PATH
    path.parent.mkdir(parents=True)
    path.write_text("nonsense\nquota = 1G\n", "utf-8")
    assert file_reader.load(str(tmp_path)) == {"quota": "1G"}
    assert file_reader.load(str(tmp_path / "nowhere")) == {}
