"""What was carried out of larger files: see the names below."""
import hashlib
from typing import Iterator

from smallmail.daemons import packaged


def dovecot(root: str = "/") -> Iterator[str]:
    """The files of Dovecot's configuration that an admin made or changed."""
    known = packaged.known_to_ucf(root)
    for folder in ("etc/dovecot", "etc/dovecot/conf.d"):
        for path in packaged.read(root, folder, (".conf", ".ext")):
            text = packaged.text(root, path[1:])
            if known.get(path) != hashlib.md5(text.encode("utf-8", "surrogateescape")).hexdigest() and (
                    path in known or packaged.says_something(text)):
                yield path
