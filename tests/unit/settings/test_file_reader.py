"""The reader of smallmail.conf that debconf's config script carries."""

from __future__ import annotations

import pytest

from smallmail.settings import fields, file_format, file_reader


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
def test_the_file_is_read_as_smallmail_itself_reads_it(line: str) -> None:
    try:
        expected = file_format.parse(line)
    except fields.Problem:
        expected = {}  # a ";" begins no comment there
    assert file_reader.parse(line) == expected
