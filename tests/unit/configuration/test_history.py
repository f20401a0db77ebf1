"""What is kept of the configurations that were applied, and what is told of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from smallmail.configuration import history
from smallmail.configuration.tree import Tree
from smallmail.errors import Problem
from smallmail.machine import state
from smallmail.machine.file import File
from smallmail.machine.host import Host
from smallmail.settings import fields

VERSIONS = {"postfix": "3.10.1", "dovecot": "2.4.1", "rspamd": "3.12"}


def inputs(text: str) -> dict[str, File | None]:
    return {fields.PATH: File(text.encode(), 0o600, "root", "root"), history.INPUTS[1]: None, history.INPUTS[2]: None}


def wanted(**parameters: str) -> Tree:
    return Tree({"etc/mailname": File(b"example.org\n", 0o644, "root", "root")}, parameters, {})


def applied(host: Host, asked: str, text: str, tree: Tree, returned: int | None = None) -> int:
    """How many files the history changes."""
    files = history.added(host, asked, inputs(text), VERSIONS, tree, returned)
    for path, file in files.items():
        host.put(path, file)
    return len(files)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(str(tmp_path))


def test_what_was_applied_is_read_back_whole(host: Host) -> None:
    applied(host, "installation", "hostname = a.example.org\n", wanted(myhostname="a.example.org"))
    (only,) = history.entries(host)
    assert (only.number, only.asked, only.versions) == (1, "installation", VERSIONS)
    assert only.inputs == inputs("hostname = a.example.org\n")
    assert not history.differences(only.tree, wanted(myhostname="a.example.org"))
    assert Path(host.path(state.HISTORY), "000001.json").stat().st_mode & 0o777 == 0o600


def test_the_same_again_is_no_news_but_a_comment_is(host: Host) -> None:
    assert applied(host, "first", "quota = 1M\n", wanted()) == 1
    assert applied(host, "again", "quota = 1M\n", wanted()) == 0
    assert applied(host, "comment", "# why\nquota = 1M\n", wanted()) == 1


def test_the_last_ten_are_kept(host: Host) -> None:
    for number in range(1, 14):
        applied(host, str(number), f"quota = {number}M\n", wanted())
    assert [entry.asked for entry in history.entries(host)] == [str(number) for number in range(4, 14)]
    with pytest.raises(Problem, match="'smallmail history'"):
        history.one(host, 3)


def test_a_diff_shows_inputs_and_what_came_of_them_but_no_secret(host: Host) -> None:
    applied(host, "1", "relay-password = hunter2\nquota = 1M\n", wanted(x="1"))
    applied(host, "2", "relay-password = hunter3\nquota = 2M\n", wanted(x="2"))
    text = "\n".join(history.diff(*history.entries(host)))
    assert "+quota = 2M" in text and "-x = 1" in text and "+x = 2" in text
    assert "hunter" not in text


@pytest.mark.parametrize("line", [
    "relay-password = {}", "  relay-password={}", '"relay-password" = {}', "'relay-password' = '{}'",
    "# relay-password = {}", "  #  relay-password = {}", "rspamd-password = {}",
    "relay-password = \"\"\"first\n{}\nlast\"\"\"", "relay-password = '''{}'''",
])
def test_a_secret_is_hidden_however_it_is_written(host: Host, line: str) -> None:
    """As settings/file_format.py reads it, or as an old value that is commented out."""
    applied(host, "1", "quota = 1M\n" + line.format("s3cret-1") + "\nrecipient = x\n", wanted())
    applied(host, "2", "quota = 2M\n" + line.format("s3cret-2") + "\nrecipient = y\n", wanted())
    text = "\n".join(history.diff(None, history.one(host, 1))) + "\n".join(history.diff(*history.entries(host)))
    assert "+quota = 2M" in text and "+recipient = y" in text
    assert "s3cret" not in text


@pytest.mark.parametrize("line", [
    "relay-password = {}", "  relay-password = {}", "\trelay-password={}", '"relay-password" = {}',
    "'relay-password' = {}", "relay-password   =   '{}'", 'relay-password = "{}"', "relay-password = a, {}, b",
    "relay-password = {}  # the new one", "relay-password = x # was {}",
    "relay-password = '''{}'''", "relay-password = '''first\n{}\nlast'''", 'relay-password = """\n{}\n"""',
    '"relay-password" = """a\n  quota = {}"""',
    "# relay-password = {}", "#relay-password={}", "  # # relay-password = {}", "relay-password == {}",
    "; relay-password = {}", "# Relay-Password = {}", "# RELAY_PASSWORD = {}", "# the relay-password was: {}",
    "# relay-password = '''first\n# {}\n# last'''", "rspamd-password = {}", "# 'rspamd-password' = '{}'",
    "[relay-password = {}", "relay-password {}",
    "relay-password =  # {}", "# {} is the relay-password", "mail-directory = /srv  # relay-password = {}",
    "# relay-password = \\\n#   {}", "# relay-password =\n# {}", "# 'relay-password' =\n# {}\n#",
    "relay-password = \\\n  {}", "relay-password = x\n  {}",
    "mail-directory = '''\n/srv\nrelay-password = {}\n'''",
])  # fmt: skip
def test_no_secret_is_shown_however_its_line_is_written(host: Host, line: str) -> None:
    """As it comes, as it is changed, as it goes, and as a line beside one that is changed."""
    applied(host, "1", "quota = 1M\n", wanted())
    applied(host, "2", f"{line.format('s3cret-1')}\nquota = 1M\n", wanted())
    applied(host, "3", f"{line.format('s3cret-2')}\nquota = 2M\n", wanted())
    applied(host, "4", "quota = 3M\n", wanted())
    kept = history.entries(host)
    assert len(kept) == 4
    shown = ["\n".join(history.diff(before, after)) for before, after in zip([None, *kept], kept, strict=False)]
    assert not [text for text in shown if "s3cret" in text]
    assert "+quota = 2M" in shown[2] and "(not shown)" in shown[1]


def test_of_an_empty_secret_nothing_is_hidden(host: Host) -> None:
    text = "# relay-password =\nrelay-password =\nrspamd-password = x\nquota = 1M\n"
    applied(host, "1", text, wanted())
    assert [line.strip() for line in history.diff(None, history.one(host, 1))][1:5] == [
        "+# relay-password =", "+relay-password =", "+rspamd-password = (not shown)", "+quota = 1M"]  # fmt: skip


def test_a_damaged_entry_is_named(host: Host) -> None:
    applied(host, "1", "", wanted())
    Path(host.path(state.HISTORY), "000001.json").write_text("{")
    with pytest.raises(Problem, match=r"history/000001\.json is damaged"):
        history.entries(host)


def change(host: Host, *texts: str) -> None:
    for text in texts:
        applied(host, f"set {text}", f"quota = {text}\n", wanted(quota=text))


def undo(host: Host) -> int | None:
    """As `smallmail rollback`: where it returned to."""
    chosen = history.step_back(history.entries(host))
    if chosen is not None:
        go_to(host, chosen.number)
    return chosen and chosen.number


def go_to(host: Host, number: int) -> None:
    """As `smallmail rollback NUMBER`."""
    chosen = history.one(host, number)
    files = history.added(host, f"rollback {number}", chosen.inputs, VERSIONS, chosen.tree, number)
    for path, file in files.items():
        host.put(path, file)


def test_each_undo_goes_one_step_further_back(host: Host) -> None:
    change(host, "1M", "2M", "3M", "4M")
    assert [undo(host), undo(host), undo(host), undo(host)] == [3, 2, 1, None]
    assert [entry.returned for entry in history.entries(host)] == [None] * 4 + [3, 2, 1]


def test_after_an_undo_a_change_begins_there(host: Host) -> None:
    change(host, "1M", "2M", "3M")
    undo(host)
    change(host, "9M")
    assert [entry.number for entry in history.entries(host)] == [1, 2, 3, 4, 5]
    assert [undo(host), undo(host), undo(host)] == [2, 1, None]


def test_an_undo_can_be_taken_back_by_number(host: Host) -> None:
    change(host, "1M", "2M", "3M")
    undo(host), undo(host)
    go_to(host, 3)
    assert [undo(host), undo(host), undo(host)] == [2, 1, None]
    go_to(host, 4)      # itself a return, to 2
    assert undo(host) == 1


def test_an_undo_passes_what_would_change_nothing(host: Host) -> None:
    """A daemon's new version made an entry with the same settings."""
    change(host, "1M", "2M")
    applied(host, "dovecot 2.4", "quota = 2M\n", wanted(quota="2M", new="x"))
    assert [undo(host), undo(host)] == [1, None]
    assert history.step_back([]) is None


def test_returns_do_not_push_out_what_can_be_returned_to(host: Host) -> None:
    change(host, *(f"{number}M" for number in range(1, 13)))
    assert [undo(host) for _ in range(10)] == [11, 10, 9, 8, 7, 6, 5, 4, 3, None]
    for number in [4, 5] * 30:
        go_to(host, number if number in [entry.number for entry in history.entries(host)] else
              history.entries(host)[0].number)
    assert len(history.entries(host)) <= 20


def test_an_entry_of_an_earlier_version_is_read(host: Host) -> None:
    change(host, "1M", "2M")
    for path in Path(host.path(state.HISTORY)).iterdir():
        path.write_text(path.read_text("utf-8").replace('"returned": null,', ""), "utf-8")
    assert undo(host) == 1
