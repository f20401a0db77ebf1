"""ucf(1) keeps the hashes of our files under /etc, as dpkg does for conffiles, and asks the admin where he and we both
changed one."""
import hashlib
import os
import tempfile
from typing import Dict, Iterable, List

from smallmail.configuration.plan import SHARED_FILES, Change
from smallmail.daemons import packaged
from smallmail.machine.file import File
from smallmail.machine.host import Host
from smallmail.machine.state import STATE

_PACKAGE = "smallmail-server"

# postrm is plain sh: it reads the names of our files here, one a line.
LIST = STATE + "/ucf-files"


def register(host: Host, files: Dict[str, File], changed: Iterable[Change], names: Iterable[str]) -> None:
    """Tell ucf which of our `files` stand there as we wrote them, and which were just removed; also those of an earlier
    apply that was cut off before it came to this. The list of our own files (`names`) is kept for postrm."""
    _write_list(host, names)
    if not host.exists("usr/bin/ucf"):
        return
    known = packaged.known_to_ucf(host.root)
    for name, file in files.items():
        there = host.file(name)
        if (_is_ours(name) and there and there.content == file.content
                and known.get("/" + name) != hashlib.md5(file.content).hexdigest()):
            # The file holds this content already, so there is nothing to ask.
            _three_way(host, name, file, ask=False)
    for change in changed:
        if change.kind == "files" and change.wanted is None and _is_ours(change.name):
            _forget(host, "/" + change.name)


def forget(host: Host, names: Iterable[str], kept: Iterable[str]) -> None:
    """Our files are given back: ucf shall not take their absence for an admin's wish when we come again. Those `kept`,
    because they were changed by hand, go on the list: a purge removes them as it removes changed conffiles. So does
    what ucf put beside a file when an admin took ours for his own."""
    names = [name for name in names if _is_ours(name)]
    for name in names:
        if host.exists("usr/bin/ucf"):
            _forget(host, "/" + name)
        for proposal in (".ucf-dist", ".ucf-new"):
            host.remove(name + proposal)
    _write_list(host, list(kept) + [name + ".ucf-old" for name in names if host.exists(name + ".ucf-old")])


def _is_ours(name: str) -> bool:
    """Dovecot's own files are known to ucf as Dovecot's, also while they have its own text instead of an admin's."""
    return name not in SHARED_FILES and (not name.startswith("etc/dovecot/") or "smallmail" in name)


def _write_list(host: Host, names: Iterable[str]) -> None:
    text = "".join("/{}\n".format(name) for name in sorted(names) if name not in SHARED_FILES)
    if host.text(LIST) != text:
        host.write(LIST, File(text.encode("utf-8"), 0o644, "root", "root"))


def _forget(host: Host, path: str) -> None:
    host.run(["ucf", "--purge", path])
    host.run(["ucfr", "--purge", _PACKAGE, path])


def ask(host: Host, conflicts: List[Change]) -> bool:
    """Let ucf ask the admin which version stays, in the running debconf session; True when a file changed by that.

    Where nobody can be asked his own stays and ours lies beside it as FILE.ucf-dist.
    """
    before = [host.file(change.name) for change in conflicts]
    for change in conflicts:
        _three_way(host, change.name, change.wanted, ask=True)
    return before != [host.file(change.name) for change in conflicts]


def _three_way(host: Host, name: str, file: File, ask: bool) -> None:
    descriptor, beside = tempfile.mkstemp()
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(file.content)
        os.chmod(beside, file.mode)
        command = ["ucf", "--three-way", beside, "/" + name]
        if ask:
            host.run_in_debconf(command[:1] + ["--debconf-ok"] + command[1:])
        else:
            host.run(["env", "DEBIAN_FRONTEND=noninteractive"] + command)
        host.run(["ucfr", _PACKAGE, "/" + name])
    finally:
        os.unlink(beside)
