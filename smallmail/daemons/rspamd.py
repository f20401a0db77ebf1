"""What was carried out of larger files: see the names below."""
from typing import Iterator

from smallmail.daemons import packaged

# Beside local.d and override.d, where upstream has an admin put his own.
ADMINS_OF_RSPAMD = ("rspamd.conf.local", "rspamd.conf.override", "rspamd.local.lua")


def rspamd(root: str = "/") -> Iterator[str]:
    """The files of Rspamd's configuration that an admin made, where upstream has them made."""
    for name in ADMINS_OF_RSPAMD:
        if packaged.says_something(packaged.text(root, "etc/rspamd/" + name)):
            yield "/etc/rspamd/" + name
    for folder in ("etc/rspamd/local.d", "etc/rspamd/override.d"):
        for path in packaged.read(root, folder, (".conf", ".inc")):
            if packaged.says_something(packaged.text(root, path[1:])):
                yield path
