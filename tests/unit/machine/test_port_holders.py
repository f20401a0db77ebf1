"""Who holds the ports of mail, as /proc tells it: of a made-up machine, and of this one."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from smallmail.machine import port_holders
from smallmail.machine.port_holders import Holder

NUMBERS = [25, 465, 587, 993, 4190]
OURS = ["/usr/lib/postfix/", "/usr/sbin/dovecot", "/usr/lib/dovecot/"]
HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


@pytest.fixture()
def root(tmp_path: Path) -> Path:
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    (tmp_path / "proc/net").mkdir(parents=True)
    for table in ("tcp", "tcp6"):
        (tmp_path / "proc/net" / table).write_text(HEAD)
    return tmp_path


def listen(root: Path, port: int, inode: int, state: str = "0A", table: str = "tcp") -> None:
    address = "0" * (8 if table == "tcp" else 32)
    with (root / "proc/net" / table).open("a") as stream:
        stream.write(f"   0: {address}:{port:04X} {address}:0000 {state} 00000000:00000000 00:00000000 00000000     0"
                     f"        0 {inode} 1 0000000000000000 100 0 0 10 0\n")


def process(root: Path, pid: int, program: str, *inodes: int) -> None:
    folder = root / "proc" / str(pid)
    (folder / "fd").mkdir(parents=True)
    (folder / "exe").symlink_to(program)
    (folder / "comm").write_text(program.rpartition("/")[2][:15] + "\n")
    for number, inode in enumerate(inodes):
        (folder / "fd" / str(number)).symlink_to(f"socket:[{inode}]")


def taken(root: Path, besides: str = "") -> list[Holder]:
    return port_holders.taken(NUMBERS, [*OURS, besides] if besides else OURS, ["dovecot.socket"], str(root))


def test_a_stranger_is_named_with_his_port(root: Path) -> None:
    listen(root, 993, 71)
    listen(root, 993, 72, table="tcp6")
    listen(root, 80, 73)
    listen(root, 25, 74, state="01")
    process(root, 812, "/usr/bin/courier-imapd", 71, 72)
    process(root, 813, "/usr/bin/courier-imapd", 71)
    assert taken(root) == [port_holders.Holder(993, "courier-imapd", 812)]
    assert port_holders.words(taken(root)[0]) == "courier-imapd (pid 812)"


@pytest.mark.parametrize(
    "program",
    ["/usr/lib/postfix/sbin/master", "/usr/sbin/dovecot", "/usr/lib/dovecot/imap-login",
     "/usr/lib/postfix/sbin/master (deleted)"],
)  # fmt: skip
def test_what_we_configure_is_no_stranger(root: Path, program: str) -> None:
    listen(root, 465, 71)
    process(root, 90, program, 71)
    assert taken(root) == []


def test_exim_is_no_stranger_while_apt_has_yet_to_replace_it(root: Path) -> None:
    listen(root, 25, 71)
    process(root, 90, "/usr/sbin/exim4", 71)
    assert taken(root, "/usr/sbin/exim4") == []
    assert [holder.name for holder in taken(root)] == ["exim4"]


def test_systemds_sockets_are_dovecots_only_where_its_unit_is_on(root: Path) -> None:
    listen(root, 993, 71)
    process(root, 1, "/usr/lib/systemd/systemd", 71)
    assert [holder.name for holder in taken(root)] == ["systemd"]
    wants = root / "etc/systemd/system/sockets.target.wants"
    wants.mkdir(parents=True)
    (wants / "dovecot.socket").symlink_to("/usr/lib/systemd/system/dovecot.socket")
    assert taken(root) == []


def test_a_program_that_cannot_be_seen_is_told_of_all_the_same(root: Path) -> None:
    listen(root, 25, 71)
    assert port_holders.words(taken(root)[0]) == "a program that cannot be seen from here"


def test_a_chroot_says_nothing_of_the_machine_around_it(root: Path) -> None:
    listen(root, 25, 71)
    (root / "run/systemd/system").rmdir()
    assert taken(root) == []


def test_nobody_keeps_root_looking(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither by very many files nor by very many processes; a daemon's are seen before a person's."""
    monkeypatch.setattr(port_holders, "_MOST_FILES", 50)
    listen(root, 993, 7)
    process(root, 90, "/usr/bin/hoarder", *range(100, 1100))
    process(root, 95, "/usr/bin/courier-imapd", 7)
    read = list(port_holders._open_files(str(root / "proc/90/fd")))
    assert len(read) == 50
    assert [holder.name for holder in taken(root)] == ["courier-imapd"]
    for pid in (90, 95):
        os.chown(root / "proc" / str(pid), 1001 if pid == 90 else 100, -1)
    assert list(port_holders._pids(str(root))) == [95, 90]
    monkeypatch.setattr(port_holders, "_PATIENCE", -1.0)
    assert [holder.name for holder in taken(root)] == ["a program that cannot be seen from here"]


def test_one_look_finds_all_holders(root: Path) -> None:
    for port, inode, pid in ((993, 71, 800), (25, 72, 90), (80, 73, 95)):
        listen(root, port, inode)
        process(root, pid, f"/usr/bin/server{port}", inode)
    listen(root, 465, 74)
    found = port_holders.holders([465, 993, 25, 26], str(root))
    assert [(port, holder.name) for port, holder in found.items()] == [
        (25, "server25"), (465, "a program that cannot be seen from here"), (993, "server993")]


def test_the_kernels_own_tables_are_read(tmp_path: Path) -> None:
    """On this very machine: a socket that this process has."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        (tmp_path / "run/systemd/system").mkdir(parents=True)
        (tmp_path / "proc").symlink_to("/proc")
        holders = port_holders.taken([listener.getsockname()[1]], OURS, root=str(tmp_path))
        assert [holder.pid for holder in holders] == [os.getpid()]


def test_an_ipv4_address_at_a_socket_of_ipv6_is_what_it_is(root: Path) -> None:
    """::ffff:127.0.0.1, as Java has it, is this host's own; ::ffff:0.0.0.0 is every address."""
    for number, mapped in ((8080, "0100007F"), (8081, "00000000"), (8082, "0A0200C0")):
        with (root / "proc/net/tcp6").open("a") as stream:
            stream.write(f"   0: 0000000000000000FFFF0000{mapped}:{number:04X} {'0' * 32}:0000 0A 00000000:00000000"
                         f" 00:00000000 00000000     0        0 {number} 1 0000000000000000 100 0 0 10 0\n")
    listen(root, 25, 9, table="tcp6")
    found = {each.port: (each.address, each.is_everywhere, port_holders.is_reachable(each))
             for each in port_holders.listening(str(root))}
    assert found.pop(25) == ("::1", True, True)
    assert found == {8080: ("127.0.0.1", False, False), 8081: ("127.0.0.1", True, True),
                     8082: ("192.0.2.10", False, True)}


def test_of_two_programs_at_a_port_the_one_that_others_reach_is_named(root: Path) -> None:
    with (root / "proc/net/tcp").open("a") as stream:
        for inode, address in ((11, "3500007F"), (12, "0A0200C0")):
            stream.write(f"   0: {address}:0035 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0"
                         f" {inode} 1 0000000000000000 100 0 0 10 0\n")
    process(root, 300, "/usr/lib/systemd/systemd-resolved", 11)
    process(root, 400, "/usr/sbin/dnsmasq", 12)
    assert port_holders.holder(53, str(root)) == Holder(53, "dnsmasq", 400)
