"""A scratch host with an Rspamd of a version; its keys are made by openssl."""

from __future__ import annotations

from pathlib import Path

import pytest

from smallmail.dkim import keys as dkim_keys, rotation
from smallmail.dkim.key_list import NEXT, Key
from smallmail.machine.host import Host

DOMAIN = "example.org"
DAY = 86400
STATUS = "Package: {}\nStatus: install ok installed\nVersion: {}\n\n"


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return with_rspamd(tmp_path, "3.12.1-1")


def with_rspamd(folder: Path, version: str) -> Host:
    (folder / "var/lib/dpkg").mkdir(parents=True)
    (folder / "var/lib/dpkg/status").write_text("".join(
        STATUS.format(name, version) for name in ("postfix", "dovecot-core", "rspamd")))
    return Host(str(folder))


def states(host: Host) -> dict[str, str]:
    return {key.selector: key.state for key in dkim_keys.load(host)}


def the(host: Host, selector: str) -> Key:
    return next(key for key in dkim_keys.load(host) if key.selector == selector)


def change(host: Host, selector: str, **values: object) -> None:
    with dkim_keys.changing(host) as keys:
        keys[:] = [key._replace(**values) if key.selector == selector else key for key in keys]


def switched(host: Host) -> list[str]:
    """As the name servers show all."""
    return rotation._switch(host, {dkim_keys.path(key): [] for key in dkim_keys.load(host) if key.state == NEXT})
