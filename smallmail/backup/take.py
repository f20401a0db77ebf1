"""Make a backup: copies of the databases, restic, a look whether all letters are in it; then forget old ones."""
import contextlib
import os
import time
from typing import Any, Callable, Dict, List, NamedTuple  # noqa: F401 (Dict: in a type comment)

from smallmail.backup import copies, restic, result, saved, settled
from smallmail.errors import Problem
from smallmail.folders import volume
from smallmail.machine import state
from smallmail.machine.host import Busy, Failed, Host
from smallmail.settings import saving
from smallmail.settings.fields import Settings

# restic runs so often at most, until nothing was moved while it read. A busy server never is that quiet: then the next
# backup has what this one lacks.
_MOST_RUNS = 5

# What a local repository leaves free on its disk, of all of it: no backup must stop mail.
_FREE = 0.05

# How often a repository is searched for what no backup needs any more, which reads much of it.
_PRUNED_AFTER = 6 * 86400

Progress = Callable[[float], None]

Snapshot = NamedTuple("Snapshot", [("number", str), ("files", int), ("size", int), ("added", int)])


def take(host: Host, settings: Settings, progress: Progress, is_anew: bool = False) -> result.Result:
    """Make a backup. `progress` is told how much of it is done, from 0 to 1. Returns the result, which is remembered,
    as an error is. Raises Problem."""
    if settings.backup_repository == saving.OFF:
        raise Problem("backups are switched off: 'smallmail set backup-repository=local' switches them on")
    if not restic.is_installed(host):
        raise Problem("backups need the package restic: type 'apt install restic'")
    try:
        with host.lock(0, state.BACKUP_LOCK):
            started = time.time()
            result.begin(host, started)
            try:
                done = _take(host, settings, progress, is_anew, started)
            except Exception as error:
                result.fail(host, str(error))
                raise
            return result.succeed(host, done)
    except Busy:
        raise Problem("another backup is being made")


def _take(host: Host, settings: Settings, progress: Progress, is_anew: bool, started: float) -> result.Result:
    before = result.load(host)
    missing = volume.missing(host, settings.mail_directory)
    if missing:
        raise Problem(missing)
    is_known = before.repository == restic.where(settings) and bool(before.when) and not is_anew
    _must_have_room(host, settings)
    restic.prepare(host, settings, is_known)
    copies.make(host)
    try:
        snapshot = _whole(host, settings, progress)
    finally:
        copies.forget(host)
    pruned, note = _forgotten(host, settings, before.pruned)
    return result.Result(
        when=int(started), seconds=int(time.time() - started), repository=restic.where(settings),
        files=snapshot.files, size=snapshot.size, added=snapshot.added, pruned=pruned, note=note,
        begun=int(started), error="")


def _whole(host: Host, settings: Settings, progress: Progress) -> Snapshot:
    """Run restic until nothing was moved meanwhile. Returns the last snapshot; the others are forgotten."""
    directory, made = saved.mail(host, settings), []  # type: str, List[Snapshot]
    while True:
        before = settled.look(host, directory)
        made.append(_run(host, settings, progress))
        after = settled.look(host, directory)
        if len(made) == _MOST_RUNS or settled.is_whole(host, made[-1].number, directory, before, after):
            break
    if len(made) > 1:
        restic.run(host, ["forget"] + [snapshot.number for snapshot in made[:-1]])
    return made[-1]._replace(added=sum(snapshot.added for snapshot in made))


def _run(host: Host, settings: Settings, progress: Progress) -> Snapshot:
    """Let restic save everything once. Raises Failed."""
    words = ["backup", "--tag", restic.TAG, "--host", settings.hostname]
    words += ["--exclude=" + pattern for pattern in saved.left_out(host, settings)]
    errors, summaries = [], []  # type: List[str], List[Dict[str, Any]]

    def heard(said: Dict[str, Any]) -> None:
        kind = said.get("message_type")
        if kind == "status":
            progress(float(said.get("percent_done", 0.0)))
        elif kind == "error":
            errors.append(str(said.get("item", "")))
        elif kind == "summary":
            summaries.append(said)

    try:
        restic.told(host, words + saved.paths(host, settings), heard)
    except Failed:
        # A letter whose flags changed meanwhile has gone under its name; all else that cannot be read is an error.
        if not summaries or any(os.path.lexists(item) for item in errors):
            raise
    if not summaries:
        raise Problem("restic has not told what it saved")
    told = summaries[-1]
    return Snapshot(str(told["snapshot_id"]), int(told["total_files_processed"]), int(told["total_bytes_processed"]),
                    int(told["data_added"]))


def _forgotten(host: Host, settings: Settings, pruned: int) -> "tuple[int, str]":
    """Forget the backups that need not be kept. Returns when the repository was pruned last, and a sentence if that is
    not possible (a server may take backups and delete none)."""
    if settings.backup_keep == ["all"]:
        return pruned, ""
    words = ["forget", "--tag", restic.TAG, "--host", settings.hostname, "--group-by", "host,tags"]
    words += [saving.keep_options(word) for word in settings.backup_keep]
    is_time = time.time() - pruned > _PRUNED_AFTER
    try:
        restic.run(host, words + ["--prune"] * is_time)
    except Failed as error:
        return pruned, "old backups were not deleted: {}".format(error)
    return int(time.time()) if is_time else pruned, ""


def size(host: Host, settings: Settings) -> int:
    """Return how many bytes there are to save."""
    command = ["du", "-s", "-c", "--block-size=1"] + ["--exclude=" + each for each in saved.left_out(host, settings)]
    return _total(host.run(command + saved.paths(host, settings)))


def _must_have_room(host: Host, settings: Settings) -> None:
    """Raise Problem if a repository on this host's disks might fill one."""
    path = restic.folder(settings)
    if not path:
        return
    there = host.path(path)
    has = _total(host.run(["du", "-s", "-c", "--block-size=1", there])) if host.exists(path) else 0
    while not os.path.isdir(there):
        there = os.path.dirname(there)
    disk = os.statvfs(there)
    free, whole = disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize
    if free - max(0, size(host, settings) - has) < whole * _FREE:
        raise Problem("the disk of {} has not enough room: choose another place with 'smallmail set"
                      " backup-repository=…'".format(restic.where(settings)))


def _total(said: str) -> int:
    """Return the last figure of what du says; what has gone meanwhile is in lines of errors."""
    with contextlib.suppress(ValueError, IndexError):
        return int([line for line in said.splitlines() if line.endswith("\ttotal")][-1].split()[0])
    return 0
