"""Handing the daemons back: every thing of ours that nobody changed becomes what it was before us."""
import contextlib
import grp
import os
from typing import Dict, List, Optional

from smallmail import apply, plan, postconf, services, transaction, tree, ucf
from smallmail import record as records
from smallmail.host import Failed, Host
from smallmail.plan import Change
from smallmail.record import Record
from smallmail.tree import File

# Folders that only we make; they go when nothing is left in them.
_FOLDERS = ["etc/postfix/smallmail", "etc/smallmail/local/postfix", "etc/smallmail/local"]


def hand_back(host: Host) -> List[str]:
    """Undo what apply did to the daemons' configuration; a sentence for each thing that stays because it was changed
    by hand, or that went wrong. Accounts, keys, certificates, settings and mail are not touched."""
    with host.lock():
        transaction.undo(host)
        record = apply.load_record(host)
        if not record.originals:
            return []
        all_changes = plan.changes(tree.empty(), record, apply.current(host, record.entries["files"]))
        files = _files(host, record, plan.to_do(all_changes))
        files[records.PATH] = None
        transaction.swap(host, files)
        transaction.commit(host)
        kept = {change.name for change in plan.by_hand(all_changes)}
        ucf.forget(host, record.entries["files"], kept.intersection(records.own_files(record)))
        for folder in _FOLDERS:
            with contextlib.suppress(OSError):
                os.rmdir(host.path(folder))
        return [plan.describe(change) for change in plan.by_hand(all_changes)] + _let_daemons_read(host)


def _files(host: Host, record: Record, to_do: List[Change]) -> Dict[str, Optional[File]]:
    files = {change.name: change.wanted for change in to_do if change.kind == "files"}
    with host.stage() as stage:
        edited = postconf.edited(host, stage, to_do)
    for path, parse in (("etc/postfix/main.cf", tree.parse_main), ("etc/postfix/master.cf", tree.parse_master)):
        original = records.file_from_json(record.originals.get(path))
        stock = original.content.decode("utf-8", "replace") if original else host.text(postconf.STOCK[path])
        # (A service that was off comes back at the end of the file: the order means nothing.)
        if dict(parse(edited[path].content.decode("utf-8", "replace"))) == dict(parse(stock)):
            # Nobody else changed a value meanwhile: the very bytes come back, or the very absence.
            files[path] = original
        else:
            files[path] = edited[path]
    return files


def _let_daemons_read(host: Host) -> List[str]:
    """Restart what runs; a removal must not fail because a daemon does not come up with what it had before."""
    sentences = []
    if "_rspamd" in grp.getgrnam("postfix").gr_mem:
        host.run(["deluser", "--quiet", "_rspamd", "postfix"])
    for service in services.DAEMONS:
        try:
            if services.active(host, service):
                services.invoke(host, "stop" if service == services.REDIS else "restart", service)
        except Failed as error:
            sentences.append(str(error))
    return sentences
