"""Security: exposure as systemd 252 and 257 print it, ports that others can reach, and permissions on real files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from smallmail.check.groups import security
from smallmail.findings import NOTE, PROBLEM
from smallmail.machine import state
from smallmail.machine.file import group_name, user_name
from smallmail.machine.host import Host
from smallmail.machine.port_holders import Holder, Listener
from smallmail.machine.state import Permissions

BOOKWORM = """UNIT                        EXPOSURE PREDICATE HAPPY
dovecot.service                  3.9 OK        \N{SLIGHTLY SMILING FACE}
postfix.service                  9.6 UNSAFE    \N{FEARFUL FACE}
postfix@-.service                3.8 OK        \N{SLIGHTLY SMILING FACE}
rspamd.service                   9.2 UNSAFE    \N{FEARFUL FACE}
smallmail-redis.service          1.3 OK        \N{SLIGHTLY SMILING FACE}
"""


def test_exposure_is_that_of_the_unit_with_the_daemons() -> None:
    assert security.scores(BOOKWORM) == {"postfix": 3.8, "dovecot": 3.9, "rspamd": 9.2, "smallmail-redis": 1.3}
    assert security.scores("Unknown command verb 'security'.") == {}
    assert list(security.exposure({}, {})) == []


def test_a_unit_that_the_admin_opened_is_a_problem() -> None:
    files = {"postfix": [], "dovecot": [], "rspamd": ["/etc/systemd/system/rspamd.service.d/x.conf"],
             "smallmail-redis": []}  # type: dict[str, list[str]]
    opened, note = security.exposure(security.scores(BOOKWORM), files)
    assert opened.severity == PROBLEM and opened.what == "rspamd is confined less than smallmail confines it"
    assert "/etc/systemd/system/rspamd.service.d/x.conf" in opened.why
    assert note.severity == NOTE and note.what.endswith("postfix 3.8, dovecot 3.9, rspamd 9.2, smallmail-redis 1.3")


@pytest.mark.parametrize("number", [6379, 11334, 325])
def test_a_port_of_this_host_is_not_open_to_others(number: int) -> None:
    problem, note = security.reachable({25: "master", number: "redis-server"})
    assert problem.severity == PROBLEM and problem.what == f"port {number} is open to others"
    assert note.severity == NOTE and note.what.endswith(f"25 master, {number} redis-server")


def test_what_every_user_of_the_host_can_use_is_a_note() -> None:
    assert list(security.stores([])) == []
    note, = security.stores(["redis-server"])
    assert note.severity == NOTE and note.what.startswith("redis-server.service listens on 127.0.0.1:6379 without a")
    assert "'systemctl disable --now redis-server'" in note.what


def test_a_web_page_that_is_not_of_rspamd_is_a_problem() -> None:
    assert list(security.pretenders([])) == []
    assert list(security.held("active", True)) == list(security.held("failed", False)) == []
    problem, = security.held("failed", True)
    assert problem.what == "any user of this host can take port 4190 while Dovecot is down"
    problem, = security.pretenders([Holder(11334, "nc", 9)])
    assert problem.severity == PROBLEM and problem.what == "port 11334 belongs to nc (pid 9), and not to Rspamd"


def test_only_what_others_reach_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smallmail.machine.port_holders.holders", lambda numbers, root: {
        number: Holder(number, "a program", 9) for number in sorted(numbers)})
    listeners = [Listener(25, "127.0.0.1", "1", True), Listener(11334, "127.0.0.1", "2", False),
                 Listener(6379, "::1", "3", False), Listener(993, "203.0.113.10", "4", False),
                 Listener(53, "127.0.0.53", "5", False)]
    assert security.opened(listeners, "/") == {25: "a program", 993: "a program"}


def test_very_many_open_ports_are_not_all_named() -> None:
    _, note = security.reachable({number: "nc" for number in [6379, *range(20000, 22000)]})
    assert note.what.endswith(", 20038 nc, 1961 more")


def test_who_may_read_what(tmp_path: Path) -> None:
    (tmp_path / state.FOLDER).mkdir(parents=True)
    right, wide, strange, link = (tmp_path / state.FOLDER / name for name in ("right", "wide", "strange", "link"))
    for path, mode in ((right, 0o600), (wide, 0o644), (strange, 0o400)):
        path.touch()
        path.chmod(mode)
    link.symlink_to(wide)
    own = user_name(os.getuid()), group_name(os.getgid())
    wanted = {f"{state.FOLDER}/{path.name}": Permissions(0o600, *own) for path in (right, wide, link)}
    wanted |= {f"{state.FOLDER}/strange": Permissions(0o600, "_rspamd", own[1]),
               f"{state.FOLDER}/missing": Permissions(0o600, *own)}
    found = list(security.permissions(security.kept(Host(str(tmp_path)), wanted)))
    assert [finding.what.split()[0] for finding in found] == ["/var/lib/smallmail/wide", "/var/lib/smallmail/strange"]
    assert found[0].commands == [f"chown {':'.join(own)} /var/lib/smallmail/wide", "chmod 600 /var/lib/smallmail/wide"]
