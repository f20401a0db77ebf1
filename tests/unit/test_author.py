"""Who is the author of a message: the Lua that Rspamd runs, on each form of From, and what mail programs show of it."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.authors import ONE, UNQUOTED, forms
from tests.support.fixtures import Record
from tests.support.readers import READERS, strangers

GRAMMAR = Path(__file__).parents[2] / "templates/rspamd-1.8/etc/rspamd/_author.lua.j2"
OWN, OTHER = "anna@example.net", "ceo@strict.test"
# Reads header fields, each after a line with their size. Writes address, what is wrong, and the addresses in the name.
DRIVER = """\
local author = dofile(arg[1])
for size in io.lines() do
  local fields = author.fields(io.read(tonumber(size)), "From")
  local found, fault
  if #fields ~= 1 then fault = "needs one From header" else found, fault = author.read(fields[1]) end
  if found and found.unquoted then fault = "must be in quotes" end
  print((found and found.address or "") .. "\\t" .. (fault or "") .. "\\t"
        .. (found and table.concat(author.addresses_in(found.name), " ") or ""))
end
"""
# What the fuzzer puts together: whole addresses, special characters, pieces of encoded words.
PIECES = [OWN, OTHER, f"<{OWN}>", f"<{OTHER}>", *'<>()"\\[],;:@ .?\t\r', "\r\n ", "\n ", "=?utf-8?Q?", "?=",
          "=?utf-8?B?", "=?", "=3C", "=40", "=?utf-8?Q?=22?=", "=?utf-8?Q?=3Cceo=40strict.test=3E?=", "\udcff", "é",
          "\uff20", "CEO", "Anna", '"Anna"', "(x)", '""', "anna", "example.net"]
Read = Callable[[Iterable[bytes]], list["Author"]]


class Author(NamedTuple):
    """What the grammar says of a header."""

    address: str
    fault: str
    named: str


@pytest.fixture
def read(tool: Callable[[str], str], tmp_path: Path) -> Read:
    """Give a function that lets LuaJIT, which is in Rspamd, read the fields of many messages."""
    driver = tmp_path / "driver.lua"
    driver.write_text(DRIVER, encoding="ascii")

    def run(fields: Iterable[bytes]) -> list[Author]:
        given = b"".join(b"%d\n" % len(field) + field for field in fields)
        done = subprocess.run([tool("luajit"), driver, GRAMMAR], input=given, capture_output=True, check=True)
        return [Author(*line.split("\t")) for line in done.stdout.decode("utf-8", "surrogateescape").split("\n")[:-1]]
    return run


def shown_wrongly(fields: Iterable[bytes], authors: Iterable[Author]) -> dict[str, list[bytes]]:
    """Return by reader the fields that show another address than the grammar found, where it found one."""
    found: dict[str, list[bytes]] = {name: [] for name in READERS}
    for field, author in zip(fields, authors, strict=True):
        for name, reader in READERS.items():
            if author.address and strangers(reader(field), author.address):
                found[name].append(field)
    return found


def test_each_form_gets_its_answer(read: Read) -> None:
    table = list(forms())
    authors = read(form.written(OWN, OTHER) for form in table)
    assert len(table) > 150 and len(authors) == len(table)
    wrong = [(form.fields[:80], author) for form, author in zip(table, authors, strict=True)
             if form.fault not in author.fault or bool(form.fault) != bool(author.fault)]
    assert wrong == []
    assert {author.address for author in authors} == {OWN, ""}
    assert all(author.address for form, author in zip(table, authors, strict=True) if form.fault == UNQUOTED)


def test_no_program_shows_another_address_than_the_one_that_is_judged(read: Read, record: Record) -> None:
    fields = [form.written(OWN, OTHER) for form in forms()]
    authors = read(fields)
    assert shown_wrongly(fields, authors) == {name: [] for name in READERS}
    misread = shown_wrongly(fields, [Author(OWN, "", "")] * len(fields))
    record(f"{len(fields)} forms, {sum(bool(author.address) for author in authors)} taken, none shown wrongly; of the "
           "others: " + ", ".join(f"{name} {len(those)}" for name, those in misread.items()))


def test_no_accident_finds_a_form_that_a_program_shows_wrongly(read: Read, record: Record) -> None:
    chance = random.Random(12)
    fields = ["From: " + "".join(chance.choice(PIECES) for _ in range(chance.randint(1, 7)))
              + chance.choice(("", f"<{OWN}>", OWN)) + "\r\n" for _ in range(8000)]
    written = [field.encode("utf-8", "surrogateescape") for field in fields]
    authors = read(written)
    assert shown_wrongly(written, authors) == {name: [] for name in READERS}
    record(f"{len(written)} by chance, {sum(bool(author.address) for author in authors)} taken, none shown wrongly")


def test_a_name_with_anothers_address_is_seen(read: Read) -> None:
    table = [form for form in forms() if form.name]
    assert [author.named for author in read(form.written(OWN, OTHER) for form in table)] == [OTHER] * len(table)


@pytest.mark.parametrize(("value", "address"), [
    ("jörg@bücher.example", "jörg@bücher.example"), ("leser@xn--bcher-kva.example", "leser@xn--bcher-kva.example"),
    ("root@localhost", "root@localhost"), ("Bounce <b+x=y.example@list.example>", "b+x=y.example@list.example"),
    ("<a..b.@docomo.example>", "a..b.@docomo.example"), ('"two words"@example.net', "two words@example.net")])
def test_addresses_of_real_mail(read: Read, value: str, address: str) -> None:
    assert read([f"From: {value}\r\n".encode()]) == [Author(address, "", "")]


def test_only_the_header_itself_counts(read: Read) -> None:
    """Not its folded lines, not what is in another header, and none that is empty."""
    fields = (b"Subject: x\r\n From: a@b.example\r\nX-From: a@b.example\r\n"
              b"From:\r\n Anna\r\n\t<anna@example.net>\r\nTo: x\r\n")
    assert read([fields, b"To: x\r\n"]) == [Author(OWN, "", ""), Author("", ONE, "")]


def test_a_header_that_keeps_parsers_busy_is_refused(read: Read, record: Record) -> None:
    pieces = ("(", '"', "=?", "<", "a@", "(x)", " ")
    huge, inside = ([f"From: {piece * (size // len(piece))}\r\n".encode() for piece in pieces]
                    for size in (54000, 1900))
    started = time.monotonic()
    assert all(author.fault for author in read(huge + inside * 10))
    record(f"{(time.monotonic() - started) * 1000 / 70:.0f} ms for a header of 1,900 bytes")
