"""Handing the daemons back: every thing of ours that nobody changed becomes what it was before us."""
import contextlib
import os
from collections import Counter, OrderedDict
from typing import Any, Dict, List, Optional

from smallmail.configuration import (
    in_force as configuration_in_force,
    plan,
    record as configuration_record,
    set_aside,
    transaction,
    tree,
    ucf,
)
from smallmail.configuration.plan import Change
from smallmail.configuration.record import Entry, Record
from smallmail.configuration.tree import Tree
from smallmail.daemons import main_cf, postconf, running
from smallmail.machine import state, users
from smallmail.machine.file import File
from smallmail.machine.host import Failed, Host
from smallmail.tls import tlsa

# Folders that only we make; they go when nothing is left in them.
_FOLDERS = ["etc/postfix/smallmail", "etc/smallmail/local/postfix", "etc/smallmail/local",
            # certbot makes these, too, when it first runs.
            "etc/letsencrypt/renewal-hooks/deploy", "etc/letsencrypt/renewal-hooks"]

_SHARED = {"etc/postfix/main.cf": ("parameters", main_cf.parse_main),
           "etc/postfix/master.cf": ("services", main_cf.parse_master)}


def hand_back(host: Host) -> List[str]:
    """Undo what apply did to the daemons' configuration; a sentence for each thing that stays because it was changed
    by hand, or that went wrong. Accounts, keys, certificates, settings and mail are not touched."""
    with host.lock():
        transaction.undo(host)
        record = configuration_in_force.load_record(host)
        if not record.originals:
            return []
        now = configuration_in_force.current(host, record.entries["files"])
        all_changes = plan.changes(tree.empty(), record, now)
        left = _left(record, now)
        sentences = [plan.describe(change._replace(action=plan.EDITED)) for change in plan.by_hand(all_changes)
                     if change.name in left.entries[change.kind]]
        files = {change.name: change.wanted for change in plan.to_do(all_changes) if change.kind == "files"}
        for path, (kind, _) in _SHARED.items():
            try:
                files.update(_shared(host, record, now, path, plan.to_do(all_changes)))
            except Failed as error:
                # Ours stays in force there: nothing that gives it back later may be forgotten.
                left.entries[kind] = record.entries[kind]
                left = left._replace(originals=record.originals, versions=record.versions)
                sentences.append("{}: not given back: {}".format("/" + path, error))
        in_force = bool(left.originals)
        files[state.PATH] = _as_file(left) if in_force else None
        files[state.LEFT] = None if in_force else _as_file(left)
        # What refers to a file goes before the file does.
        transaction.swap(host, OrderedDict(sorted(files.items(), key=lambda item: item[1] is None)))
        ucf.forget(host, record.entries["files"], _to_purge(host, record, left))
        for folder in _FOLDERS:
            with contextlib.suppress(OSError):
                os.rmdir(host.path(folder))
        sentences += _leave(host)
        sentences += tlsa.farewell(host)
        # Cut off before this, all of it is taken back, and done again by whoever comes next.
        transaction.commit(host)
        return sentences


def _left(record: Record, now: Tree) -> Record:
    """What is remembered for the day when we come again: each thing of ours that somebody changed or took away."""
    entries = OrderedDict()  # type: Dict[str, Dict[str, Entry]]
    for kind in configuration_record.KINDS:
        there = configuration_record.things(now, kind)
        entries[kind] = OrderedDict((name, entry) for name, entry in record.entries[kind].items()
                                    if _is_changed(kind, entry, there.get(name)))
    return Record(entries, OrderedDict(), OrderedDict())


def _to_purge(host: Host, record: Record, left: Record) -> List[str]:
    """The files of ours that stay because somebody changed them, under whatever name."""
    kept = [name for name in configuration_record.own_files(left) if host.exists(name)]
    for name in configuration_record.own_files(record):
        folder, base = os.path.split(name)
        kept += [folder + "/" + other for other in host.names(folder) if other.startswith(base + set_aside.SUFFIX)]
    return kept


def _is_changed(kind: str, entry: Entry, now: Any) -> bool:
    if entry.written is None or configuration_record.fingerprint(now) == entry.written:
        return False
    before = configuration_record.file_from_json(entry.before) if kind == "files" else entry.before
    # A file that stood in our way from the beginning was never ours.
    return now is None or configuration_record.fingerprint(now) != configuration_record.fingerprint(before)


def _as_file(left: Record) -> Optional[File]:
    if not any(left.entries.values()):
        return None
    return File(configuration_record.dumps(left).encode("ascii"), 0o600, "root", "root")


def _shared(host: Host, record: Record, now: Tree, path: str, to_do: List[Change]) -> Dict[str, Optional[File]]:
    """main.cf or master.cf as it is to be: the very bytes from before us (or the very absence), unless somebody else
    was at work in it since; then what we set is undone in it and nothing more."""
    live = host.file(path)
    if live is None:
        return {}  # taken away together with Postfix, or by hand
    kind, parse = _SHARED[path]
    original = configuration_record.file_from_json(record.originals.get(path))
    stock = original.content.decode("utf-8", "replace") if original else host.text(postconf.STOCK[path])
    values = dict(configuration_record.things(now, kind))
    for change in to_do:
        if change.kind == kind:
            values[change.name] = change.wanted
    given_back = {name: value for name, value in values.items() if value is not None}
    text = live.content.decode("utf-8", "replace")
    if given_back == parse(stock) and not _comments(text) - _comments(stock):
        # We wrote it with the original's owner and mode: others, if it has them now, are somebody's wish.
        return {path: live._replace(content=original.content) if original else None}
    with host.stage() as stage:
        changed = plan.wanted(to_do, kind)
        parameters, services = (changed, {}) if kind == "parameters" else ({}, changed)
        return {path: postconf.edited(host, stage, parameters, services)[path]}


def _comments(text: str) -> "Counter[str]":
    """The comment lines, and how often each is there. (Those inside of a value that we set are postconf's to drop.)"""
    return Counter(line.strip() for line in text.splitlines() if line.lstrip().startswith("#"))


def _leave(host: Host) -> List[str]:
    """Let the daemons read what they have again, and run as they did; a removal must not fail because one does not come
    up with what it had before."""
    sentences = users.leave_group(host)
    for service in running.DAEMONS:
        try:
            if running.active(host, service):
                running.invoke(host, "stop" if service == running.REDIS else "restart", service)
        except Failed as error:
            sentences.append(str(error))
    return sentences
