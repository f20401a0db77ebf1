"""A daemon is restarted when our files for its unit changed, and only then."""

from __future__ import annotations

from pathlib import Path

from smallmail.configuration import units
from smallmail.machine.file import File
from smallmail.machine.host import Host

FOLDER = "usr/lib/systemd/system/"


def put(host: Host, path: str, text: str) -> None:
    host.write(path, File(text.encode(), 0o644, "root", "root"))


def test_a_changed_drop_in_restarts_its_daemon(tmp_path: Path) -> None:
    host = Host(str(tmp_path))
    assert units.changed(host) == ["redis", "rspamd", "dovecot", "postfix"]
    units.remember(host)
    assert units.changed(host) == []
    put(host, FOLDER + "postfix@.service.d/60-smallmail-confined.conf", "[Service]\n")
    put(host, FOLDER + "dovecot.service.d/override.conf", "[Service]\n")
    assert units.changed(host) == ["postfix"]
    units.remember(host)
    put(host, FOLDER + "smallmail-.service.d/10-confined.conf", "[Service]\n")
    put(host, "usr/lib/smallmail/suffixes", "#!/bin/sh\n")
    assert units.changed(host) == ["redis", "rspamd"]
