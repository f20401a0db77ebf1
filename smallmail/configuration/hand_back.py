"""Hand the daemons back: restore everything that smallmail set and nobody changed to its state before installation."""
import os
from collections import Counter, OrderedDict
from typing import Any, Dict, List, Optional

from smallmail.bans import unit as bans_unit
from smallmail.configuration import in_force, plan, record, set_aside, transaction, tree, ucf
from smallmail.configuration.plan import Change
from smallmail.configuration.record import Entry, Record
from smallmail.configuration.tree import Tree
from smallmail.daemons import main_cf, postconf, running, table
from smallmail.machine import state, state_files, stock_store, users
from smallmail.machine.file import File, text_of
from smallmail.machine.host import Failed, Host
from smallmail.tls import tlsa

# Folders that only smallmail makes; they are removed when they are empty.
_FOLDERS = ["etc/postfix/smallmail", "etc/smallmail/local/postfix", "etc/smallmail/local",
            # certbot makes these, too, when it first runs.
            "etc/letsencrypt/renewal-hooks/deploy", "etc/letsencrypt/renewal-hooks"]

# What other rooms undo once the daemons have their former configuration: functions `hand_back(host)`, which return a
# sentence for each thing that the admin must know.
HAND_BACK = (
    users.hand_back,
    stock_store.hand_back,  # an admin's Rspamd may need it
    running.hand_back,
    tlsa.hand_back,
    bans_unit.hand_back,
)

_SHARED = {main_cf.MAIN: ("parameters", main_cf.parse_main),
           main_cf.MASTER: ("services", main_cf.parse_master)}


def hand_back(host: Host) -> List[str]:
    """Undo what apply did to the daemons' configuration. Accounts, keys, certificates, settings and mail stay. Returns
    a sentence for each thing that stays because it was changed by hand, and for each failure. Raises Problem."""
    with host.lock():
        transaction.undo(host)
        before = in_force.load_record(host)
        if not before.originals:
            return []
        now = in_force.current(host, before.entries["files"])
        all_changes = plan.changes(tree.empty(), before, now)
        left = remembered(before, now)
        sentences = [plan.describe(change._replace(action=plan.EDITED)) for change in plan.by_hand(all_changes)
                     if change.name in left.entries[change.kind]]
        files = {change.name: change.wanted for change in plan.to_do(all_changes) if change.kind == "files"}
        for path, (kind, _) in _SHARED.items():
            try:
                files.update(_shared(host, before, now, path, plan.to_do(all_changes)))
            except Failed as error:
                # Ours stays in force there: whatever is needed to restore it later must be remembered.
                left.entries[kind] = before.entries[kind]
                left = left._replace(originals=before.originals, versions=before.versions)
                sentences.append("/{}: not restored: {}".format(path, error))
        stays_in_force = bool(left.originals)
        for path in (state.RECORD, state.OWN_RECORD):
            files[path] = as_file(left, path) if stays_in_force else None
        files[state.LEFT] = None if stays_in_force else as_file(left)
        # What refers to a file is removed before the file is.
        transaction.swap(host, OrderedDict(sorted(files.items(), key=lambda item: item[1] is None)))
        ucf.forget(host, before.entries["files"], _to_purge(host, before, left))
        for folder in _FOLDERS:
            host.remove_folder(folder)
        _remove_sockets(host, plan.to_do(all_changes))
        sentences += [sentence for room in HAND_BACK for sentence in room(host)]
        # Cut off before this, everything is taken back, and the next removal does it again.
        transaction.commit(host)
        return sentences


def _remove_sockets(host: Host, to_do: List[Change]) -> None:
    """Remove the sockets of the services that Postfix does not have any more: its master leaves them behind."""
    for change in to_do:
        name, _, kind = change.name.partition("/")
        if change.kind == "services" and change.wanted is None and kind == "unix":
            for folder in ("private", "public"):
                host.remove("var/spool/postfix/{}/{}".format(folder, name))


def remembered(before: Record, now: Tree) -> Record:
    """Return what is remembered until smallmail is installed again: each thing of ours that was changed or removed by
    hand."""
    entries = OrderedDict()  # type: Dict[str, Dict[str, Entry]]
    for kind in record.KINDS:
        things = record.things(now, kind)
        entries[kind] = OrderedDict((name, entry) for name, entry in before.entries[kind].items()
                                    if _is_changed(kind, entry, things.get(name)))
    return Record(entries, OrderedDict(), OrderedDict(), OrderedDict())


def as_file(left: Record, path: str = state.LEFT) -> Optional[File]:
    """Return the file for that record; None if there is nothing to remember."""
    if not any(left.entries.values()):
        return None
    return state_files.file(path, record.dumps(left).encode("ascii"))


def comments(text: str) -> "Counter[str]":
    """Count how often each comment line occurs. (postconf drops those inside of a value that we set.)"""
    return Counter(line.strip() for line in text.splitlines() if line.lstrip().startswith("#"))


def _to_purge(host: Host, before: Record, left: Record) -> List[str]:
    """Return the files of ours that stay because they were changed by hand, also those that were set aside."""
    kept = [name for name in record.own_files(left) if host.exists(name)]
    for name in sorted({plan.ONE_FILE, *record.own_files(before)}):
        folder, base = os.path.split(name)
        kept += [folder + "/" + other for other in host.names(folder) if other.startswith(base + set_aside.SUFFIX)]
    return kept


def _is_changed(kind: str, entry: Entry, now: Any) -> bool:
    if entry.written is None or record.fingerprint(now) == entry.written:
        return False
    # A file that was in our way from the beginning was never ours.
    return now is None or record.fingerprint(now) != record.fingerprint(record.before_us(kind, entry))


def _shared(host: Host, before: Record, now: Tree, path: str, to_do: List[Change]) -> Dict[str, Optional[File]]:
    """Return main.cf or master.cf as it is to be: byte by byte as before smallmail (or absent), unless somebody else
    changed it since; then only what smallmail set is undone in it. Raises Failed."""
    live = host.file(path)
    if live is None:
        return {}  # removed together with Postfix, or by hand
    kind, parse = _SHARED[path]
    original = record.file_from_json(before.originals.get(path))
    original_text = text_of(original.content) if original else host.text(postconf.STOCK[path])
    values = dict(record.things(now, kind))
    for change in to_do:
        if change.kind == kind:
            values[change.name] = change.wanted
    restored = {name: value for name, value in values.items() if value is not None}
    text = text_of(live.content)
    if restored == parse(original_text) and not comments(text) - comments(original_text):
        # We wrote it with the original's owner and mode: if it has others now, somebody wants them.
        return {path: live._replace(content=original.content) if original else None}
    with host.stage(table.FOLDERS) as stage:
        wanted = plan.wanted(to_do, kind)
        parameters, services = (wanted, {}) if kind == "parameters" else ({}, wanted)
        return {path: postconf.edited(host, stage, parameters, services)[path]}
