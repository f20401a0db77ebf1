"""The daemons' table agrees with itself and with what else the package has for each daemon."""

from __future__ import annotations

from pathlib import Path

import pytest

from smallmail.daemons import listening, table
from smallmail.daemons.daemon import Daemon, stock_path
from smallmail.daemons.dovecot import DOVECOT
from smallmail.daemons.listening import Port

SOURCE = Path(__file__).parents[3]
ALL = pytest.mark.parametrize("daemon", table.ALL, ids=lambda daemon: daemon.name)


def test_each_name_unit_and_folder_is_one_daemons() -> None:
    for values in ([daemon.name for daemon in table.ALL], table.UNITS, table.FOLDERS):
        assert len(set(values)) == len(values)


@ALL
def test_a_daemon_with_a_package_has_overlays_and_nothing_else_has(daemon: Daemon) -> None:
    assert bool(daemon.package) == bool(list((SOURCE / "templates").glob(f"{daemon.name}-*")))
    assert bool(daemon.package) == bool(daemon.folders)


@ALL
def test_its_package_is_depended_on_and_watched(daemon: Daemon) -> None:
    control, triggers = ((SOURCE / f"debian/{name}").read_text("utf-8")
                         for name in ("control", "smallmail-server.triggers"))
    assert daemon.package in control
    assert not daemon.package or f"bin/{daemon.name}\n" in triggers


@ALL
def test_systemd_starts_it_with_our_unit_or_our_drop_in(daemon: Daemon) -> None:
    units = SOURCE / "share/systemd"
    assert (units / f"{daemon.unit}.service").exists() == daemon.own_unit
    assert (units / f"{daemon.unit}.service.d").exists() != daemon.own_unit


@ALL
def test_its_files_are_in_its_folders(daemon: Daemon) -> None:
    assert all(table.reader(path) == daemon for path in (*daemon.other_files, *daemon.permissions))
    for folder in daemon.admins_folders:
        assert folder.startswith(("etc/smallmail/local/", *daemon.folders))


@pytest.mark.parametrize("path", ["etc/letsencrypt/renewal-hooks/deploy/smallmail", "etc/postfixes/x", "etc/postfix"])
def test_what_no_daemon_reads(path: str) -> None:
    assert table.reader(path) is None


def test_what_may_be_shown_is_told_by_the_mode() -> None:
    assert {"etc/postfix/smallmail/relay-password", "etc/rspamd/local.d/worker-controller.inc"} == table.SECRET


def test_where_debian_keeps_its_own_copy() -> None:
    assert stock_path(DOVECOT, "etc/dovecot/conf.d/10-auth.conf") == "usr/share/dovecot/conf.d/10-auth.conf"
    assert stock_path(table.BY_NAME["rspamd"], "etc/rspamd/options.inc") == ""


@pytest.mark.parametrize("port", listening.PORTS, ids=lambda port: port.number)
def test_a_port_is_one_daemons(port: Port) -> None:
    assert [daemon.name for daemon in table.ALL if port in daemon.ports] == [port.daemon]
    assert [other.number for other in listening.PORTS].count(port.number) == 1
    assert port.names or port.used_by == listening.HOST, "mail programs and firewalls call it by a name"


def test_what_follows_from_the_table_of_ports() -> None:
    assert [port.number for port in listening.PUBLIC] == [25, 465, 587, 993, 4190]
    assert [port.number for port in listening.SHOWING_CERTIFICATE] == [25, 465, 993]
    assert listening.SRV == {"_submissions": 465, "_submission": 587, "_imaps": 993, "_sieve": 4190}
    assert [daemon.name for daemon in table.SERVING_CERTIFICATE] == ["dovecot", "postfix"]


def test_services_has_the_names() -> None:
    """services(5) of this very Debian, from the package netbase."""
    path = Path("/etc/services")
    if not path.exists():
        pytest.skip("netbase is not installed")
    numbers = {}
    for line in path.read_text("utf-8").splitlines():
        words = line.partition("#")[0].split()
        if len(words) > 1 and words[1].endswith("/tcp"):
            numbers.update({name: int(words[1].partition("/")[0]) for name in (words[0], *words[2:])})
    for port in listening.PUBLIC:
        assert all(numbers.get(name, port.number) == port.number for name in port.names)
