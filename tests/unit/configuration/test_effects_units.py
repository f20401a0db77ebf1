"""A daemon is restarted when our files for its unit changed, and only then."""

from __future__ import annotations

from pathlib import Path

from smallmail.configuration import effects
from smallmail.machine.file import File
from smallmail.machine.host import Host

FOLDER = "usr/lib/systemd/system/"


def put(host: Host, path: str, text: str) -> None:
    host.write(path, File(text.encode(), 0o644, "root", "root"))


def test_a_changed_drop_in_restarts_its_daemon(tmp_path: Path) -> None:
    host = Host(str(tmp_path))
    assert effects.units_changed(host) == ["redis", "rspamd", "dovecot", "limits", "postfix"]
    effects.remember_units(host)
    assert effects.units_changed(host) == []
    put(host, FOLDER + "postfix@.service.d/60-smallmail-confined.conf", "[Service]\n")
    put(host, FOLDER + "dovecot.service.d/override.conf", "[Service]\n")
    assert effects.units_changed(host) == ["postfix"]
    effects.remember_units(host)
    put(host, FOLDER + "smallmail-.service.d/10-confined.conf", "[Service]\n")
    put(host, "usr/lib/smallmail/suffixes", "#!/bin/sh\n")
    assert effects.units_changed(host) == ["redis", "rspamd", "limits"]
