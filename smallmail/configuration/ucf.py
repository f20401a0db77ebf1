"""Tell ucf(1) about our files under /etc: it keeps their hashes, as dpkg does for conffiles, and asks the admin about a
file that both the admin and smallmail changed."""
import hashlib
import os
from typing import Dict, Iterable, List

from smallmail.configuration.plan import ONE_FILE, SHARED_FILES, Change
from smallmail.daemons import packaged, table
from smallmail.machine import state, state_files
from smallmail.machine.file import File
from smallmail.machine.host import Host

_PACKAGE = "smallmail-server"


def register(host: Host, files: Dict[str, File], changed: Iterable[Change], names: Iterable[str]) -> None:
    """Tell ucf which of our `files` are as smallmail wrote them, and which were just removed; also those of an earlier
    apply that was cut off before this. The list of our own files (`names`) is kept for postrm. Raises Failed."""
    _write_list(host, names)
    if not host.exists("usr/bin/ucf"):
        return
    hashes = packaged.ucf_hashes(host.root)
    for name, file in files.items():
        live = host.file(name)
        if (_is_ours(name) and live and live.content == file.content
                and hashes.get(name) != hashlib.md5(file.content).hexdigest()):
            # The file has this content already, so there is nothing to ask.
            _three_way(host, name, file, ask_admin=False)
    gone = {change.name for change in changed
            if change.kind == "files" and change.wanted is None and _is_ours(change.name)}
    if ONE_FILE in hashes and ONE_FILE not in files and not host.exists(ONE_FILE):
        gone.add(ONE_FILE)      # an admin's version of it was set aside
    for name in sorted(gone):
        _forget(host, "/" + name)
        _remove_proposals(host, name)


def forget(host: Host, names: Iterable[str], kept: Iterable[str]) -> None:
    """Forget our files, which are given back: otherwise ucf would take their absence for the admin's wish when
    smallmail is installed again. Raises Failed.

    Those `kept`, because they were changed by hand, stay on the list: a purge removes them, as it removes changed
    conffiles. So does what ucf put beside a file when an admin chose ours.
    """
    own = [name for name in names if _is_ours(name)]
    for name in own:
        if host.exists("usr/bin/ucf"):
            _forget(host, "/" + name)
        _remove_proposals(host, name)
    _write_list(host, list(kept) + [name + ".ucf-old" for name in own if host.exists(name + ".ucf-old")])


def ask(host: Host, conflicts: List[Change]) -> bool:
    """Let ucf ask the admin which version stays, in the running debconf session. Returns whether a file changed. Raises
    Failed.

    Where nobody can be asked, the admin's stays and ours is put beside it as FILE.ucf-dist.
    """
    before = [host.file(change.name) for change in conflicts]
    for change in conflicts:
        _three_way(host, change.name, change.wanted, ask_admin=True)
    return before != [host.file(change.name) for change in conflicts]


def _is_ours(name: str) -> bool:
    """Tell whether ucf is to know the file as ours. A daemon's package may have registered its own files, also while
    they have its own text instead of an admin's."""
    if name in SHARED_FILES:
        return False
    daemon = table.reader(name)
    return daemon is None or not daemon.uses_ucf or "smallmail" in name


def _write_list(host: Host, names: Iterable[str]) -> None:
    text = "".join("/{}\n".format(name) for name in sorted(names) if name not in SHARED_FILES)
    state_files.write(host, state.UCF_FILES, text)


def _forget(host: Host, path: str) -> None:
    host.run(["ucf", "--purge", path])
    host.run(["ucfr", "--purge", _PACKAGE, path])


def _remove_proposals(host: Host, name: str) -> None:
    """Remove what ucf put beside a file of ours that is gone."""
    for proposal in (".ucf-dist", ".ucf-new"):
        host.remove(name + proposal)


def _three_way(host: Host, name: str, file: File, ask_admin: bool) -> None:
    # Not in the stage: while the admin answers ucf's question, another apply may use that.
    import tempfile  # noqa: PLC0415 (only maintainer scripts come here)

    descriptor, proposal = tempfile.mkstemp()
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(file.content)
        os.chmod(proposal, file.mode)
        command = ["ucf", "--three-way", proposal, "/" + name]
        if ask_admin:
            host.run_in_debconf(command[:1] + ["--debconf-ok"] + command[1:])
        else:
            host.run(["env", "DEBIAN_FRONTEND=noninteractive"] + command)
        host.run(["ucfr", _PACKAGE, "/" + name])
    finally:
        os.unlink(proposal)
