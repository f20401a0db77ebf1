"""What an upgrade does with the one file that is several files today."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

import pytest

from smallmail.configuration import plan, record, tree
from smallmail.configuration.plan import CONFLICT, EDITED, GIVE_BACK, SET
from smallmail.configuration.record import Entry, Record
from smallmail.configuration.tree import Tree
from smallmail.machine.file import File

WHOLE, OTHER = plan.ONE_FILE, "etc/dovecot/conf.d/05-smallmail.conf"
AUTH, TLS = "etc/dovecot/conf.d/95-smallmail-auth.conf", "etc/dovecot/conf.d/95-smallmail-tls.conf"
PARTS = {AUTH: "auth", TLS: "tls"}
REPLACE = ["/" + WHOLE]


def files(texts: dict[str, str]) -> Tree:
    made = OrderedDict((path, File(text.encode(), 0o644, "root", "root")) for path, text in texts.items())
    return Tree(made, OrderedDict(), OrderedDict())


def known(texts: dict[str, str], dovecot: str | None = "2.3.19") -> Record:
    """The record of a host on which smallmail wrote these files."""
    entries = {kind: OrderedDict() for kind in record.KINDS}  # type: dict[str, dict[str, Entry]]
    for path, file in files(texts).files.items():
        entries["files"][path] = Entry(None, record.fingerprint(file))
    return Record(entries, {"etc/postfix/main.cf": None}, {"dovecot": dovecot} if dovecot else {}, {})


def actions(now: dict[str, str], written: dict[str, str], versions: tuple[str | None, str] = ("2.3.19", "2.3.19"),
            replace: Iterable[str] = ()) -> dict[str, str]:
    """What the plan says of each file, on a host with `now` where smallmail had `written`."""
    then, installed = versions
    had = known({OTHER: "accounts", **written}, then)
    there = files({OTHER: "accounts", **now})
    target = plan.kept_whole(files({OTHER: "accounts", **PARTS}), had, there, {"dovecot": installed}, replace)
    return {change.name: change.action for change in plan.changes(target, had, there, replace=replace)}


IN_PARTS = {WHOLE: GIVE_BACK, AUTH: SET, TLS: SET}


def test_unedited_it_goes_and_the_parts_come() -> None:
    assert actions({WHOLE: "old"}, {WHOLE: "old"}) == IN_PARTS


def test_edited_it_stays_and_no_part_comes() -> None:
    """Dovecot would read both."""
    assert actions({WHOLE: "mine"}, {WHOLE: "old"}) == {WHOLE: CONFLICT}
    assert actions({WHOLE: "mine"}, {WHOLE: "auth\ntls"}) == {WHOLE: EDITED}


def test_deleted_it_stays_away() -> None:
    assert actions({}, {WHOLE: "old"}) == {WHOLE: CONFLICT}


def test_given_up_it_goes_and_the_parts_come() -> None:
    assert actions({WHOLE: "mine"}, {WHOLE: "old"}, replace=REPLACE) == IN_PARTS
    assert actions({WHOLE: "mine"}, {WHOLE: "auth\ntls"}, replace=REPLACE) == IN_PARTS


def test_changed_back_it_goes_and_the_parts_come() -> None:
    """So it does where an admin took ours when ucf asked."""
    assert actions({WHOLE: "auth\ntls"}, {WHOLE: "auth\ntls"}) == IN_PARTS


@pytest.mark.parametrize(("versions", "found"), [
    (("2.3.13", "2.3.19"), {WHOLE: CONFLICT}),
    (("2.4.1", "2.4.5"), {WHOLE: CONFLICT}),
    ((None, "2.4.1"), {WHOLE: CONFLICT}),
    # apply sets aside what the new Dovecot refuses.
    (("2.3.19", "2.4.1"), {WHOLE: CONFLICT, AUTH: SET, TLS: SET}),
])
def test_a_new_version_of_dovecot(versions: tuple[str | None, str], found: dict[str, str]) -> None:
    assert actions({WHOLE: "mine"}, {WHOLE: "old"}, versions) == found


def test_once_in_parts_it_never_comes_back() -> None:
    """The record remembers the one file for one more apply when a new Dovecot has refused it."""
    assert actions(PARTS, PARTS) == {}
    assert actions(PARTS, {WHOLE: "old", **PARTS}) == {}
    assert actions({WHOLE: "the admin's own", **PARTS}, PARTS) == {}


def test_a_fresh_host_gets_the_parts() -> None:
    wanted = files(PARTS)
    assert plan.kept_whole(wanted, record.empty(), tree.empty(), {"dovecot": "2.4.1"}, []) == wanted


def test_the_whole_has_all_parts_in_dovecots_order() -> None:
    target = plan.kept_whole(files({TLS: "tls\n", OTHER: "accounts", AUTH: "auth\n"}), known({WHOLE: "old"}),
                              files({WHOLE: "mine"}), {"dovecot": "2.3.19"}, [])
    assert {path: file.content for path, file in target.files.items()} == {
        OTHER: b"accounts", WHOLE: b"auth\n\ntls\n"}


def test_the_admin_is_told_what_to_type() -> None:
    had, there = known({WHOLE: "old"}), files({WHOLE: "mine"})
    target = plan.kept_whole(files(PARTS), had, there, {"dovecot": "2.3.19"}, [])
    change, = plan.changes(target, had, there)
    assert plan.describe(change).endswith(" keeps your version" + plan._ADVICE)
    assert "smallmail apply --replace /" + WHOLE in plan._ADVICE
    assert plan._ADVICE not in plan.describe(change._replace(action=EDITED, wanted=None)), "on removal"
