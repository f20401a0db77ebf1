"""Dovecot: what smallmail knows of it, and which files of its configuration are an admin's."""
import hashlib
from typing import Iterator

from smallmail.daemons import listening, packaged
from smallmail.daemons.daemon import UNKNOWN
from smallmail.machine.host import Host

_READ = (".conf", ".ext")
_FOLDERS = ("etc/dovecot", "etc/dovecot/conf.d")
_OURS = "etc/dovecot/conf.d/95-smallmail-"


def _judge(stage: Host) -> None:
    """Let doveconf(1) read the whole configuration: it fails if it does not understand it."""
    stage.run(["doveconf", "-n", "-c", stage.path("etc/dovecot/dovecot.conf")])


def _admins_files(root: str) -> Iterator[str]:
    """Yield the files that an admin made or changed. Debian's package registers its own with ucf, whose hash shows a
    change even where everything was commented out."""
    hashes = packaged.ucf_hashes(root)
    for folder in _FOLDERS:
        for path in packaged.files_read(root, folder, _READ):
            text = packaged.text(root, path)
            is_changed = hashes.get(path) != hashlib.md5(text.encode("utf-8", "surrogateescape")).hexdigest()
            if is_changed and (path in hashes or packaged.has_settings(text)):
                yield path


DOVECOT = UNKNOWN._replace(
    name="dovecot",
    unit="dovecot",
    package="dovecot-core",
    sources=("dovecot",),
    ports=listening.of("dovecot"),
    programs=("/usr/sbin/dovecot", "/usr/lib/dovecot/"),
    socket_units=("dovecot.socket", "smallmail-sieve.socket"),
    folders=("etc/dovecot",),
    judge=_judge,
    # These say where mail is. The mailboxes must be converted first (programs/folders.py). Up to 0.3.0 one file had all
    # settings.
    stop_for=(_OURS + "mail.conf", "etc/dovecot/conf.d/95-smallmail.conf"),
    # A reload leaves open sessions as they are (95-smallmail-reload.conf), but no two may see the same mail in
    # different places.
    restart_for=(_OURS + "folders.conf", _OURS + "vmail.conf"),
    admins_folders=_FOLDERS,
    reads=lambda path: path.endswith(_READ),
    admins_files=_admins_files,
    # A *.conf that Debian's package does not know is an admin's addition; a *.ext without it is read by nothing else.
    acts_against=lambda path, _: path.endswith(".conf"),
    stock_folder="usr/share/dovecot",
    uses_ucf=True,
)
