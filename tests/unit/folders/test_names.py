"""What a folder's directory is called in both layouts."""

from __future__ import annotations

import pytest

from smallmail.folders import names

# The directory in Maildir++, and the names in the tree.
FOLDERS = [
    (b".Work", [b"Work"]),
    (b".Work.2024.Q1", [b"Work", b"2024", b"Q1"]),
    (b".Dr. Jones", [b"Dr", b" Jones"]),
    (b".Entw&APw-rfe", [b"Entw&APw-rfe"]),
    (b".100%", [b"100%25"]),
    (b".%maildir", [b"%25maildir"]),
    (b".%2e", [b"%252e"]),
    (b".~a.~b.c~", [b"%7ea", b"%7eb", b"c~"]),
    (b".cur.new", [b"cur", b"new"]),
    (b".INBOX.child", [b"INBOX", b"child"]),
    (b". .trail ", [b" ", b"trail "]),
    # Dovecot makes no such names, other programs may.
    (b".a..b", [b"a", b"%2e", b"b"]),
    (b"..a.", [b"%2e", b"a", b"%2e"]),
    (b".\xff", [b"\xff"]),
]


def on_disk(levels: list[bytes], every_tilde: bool = True) -> list[bytes]:
    return [names.escaped(level, number == 0, every_tilde) for number, level in enumerate(levels)]


@pytest.mark.parametrize(("flat", "tree"), FOLDERS)
def test_a_folder_has_a_place_in_the_tree(flat: bytes, tree: list[bytes]) -> None:
    assert on_disk(names.levels(flat)) == tree


@pytest.mark.parametrize(("flat", "tree"), FOLDERS[:11])
def test_a_folder_goes_back_to_where_it_was(flat: bytes, tree: list[bytes]) -> None:
    assert names.flat([names.unescaped(name) for name in tree]) == flat


def test_no_two_folders_have_one_place() -> None:
    places = [tuple(on_disk(names.levels(flat))) for flat, _ in FOLDERS]
    assert len(set(places)) == len(FOLDERS)
    assert all(names.MAILDIR not in place for place in places)


def test_before_2_3_14_only_the_first_tilde_is_escaped() -> None:
    assert on_disk([b"~a", b"~b"], every_tilde=False) == [b"%7ea", b"~b"]


@pytest.mark.parametrize("name", [b"Dr. Jones", b"~tilde", b"..", b".", b"a%2eb", b"Some Stuff...", b"%maildir"])
def test_what_is_escaped_can_be_read(name: bytes) -> None:
    written = names.escaped(name)
    assert names.unescaped(written) == name
    assert written not in (b".", b"..", names.MAILDIR) and not written.startswith(b"~")


def test_maildir_plus_plus_has_no_dots_in_names_and_no_long_ones() -> None:
    assert names.flat([b"Dr. Jones", b"x"]) == b".Dr%2e Jones.x"
    assert names.flat([b"x" * 127, b"y" * 126]) is not None
    assert names.flat([b"x" * 127, b"y" * 127]) is None
