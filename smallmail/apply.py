"""Apply, the only writer: stage, let the daemons judge, swap, reload what changed, verify, record;
or leave all as it was.

The order makes it safe to be cut off anywhere: until the swap nothing live has changed; from then on the journal
(transaction.py) takes it back, the record with it.
"""
from collections import OrderedDict
from typing import Any, Dict, Iterable, List, NamedTuple, Set

from smallmail import assets, facts, plan, postconf, render, rivals, services, transaction, tree, ucf, verify
from smallmail import record as records
from smallmail.errors import Problem
from smallmail.host import Host
from smallmail.plan import Change
from smallmail.record import Entry, Record
from smallmail.settings import Settings
from smallmail.tree import File, Tree

LOCAL = "etc/smallmail/local/postfix/"

# postconf(5): after a change of these Postfix must be stopped and started.
_RESTART_POSTFIX = {"inet_interfaces", "inet_protocols"}
# A reload does not open other sockets, nor does it give them to other groups.
_RESTART_RSPAMD = "etc/rspamd/local.d/worker-"

Outcome = NamedTuple("Outcome", [
    ("done", List[Change]),
    ("by_hand", List[Change]),
    ("touched", List[str]),     # the services that were started, restarted or reloaded
    ("notices", List[str]),
])


def wanted(host: Host, settings: Settings) -> Tree:
    """The tree that this host should have."""
    target = render.render(settings, facts.gather(host.root), host.text(LOCAL + "main.cf"),
                           host.text(LOCAL + "master.cf"), host.path(render.TEMPLATES[1:]))
    return rivals.silenced(host, target, load_record(host))


def load_record(host: Host) -> Record:
    """What we wrote on this host so far."""
    text = host.text(records.PATH)
    return records.loads(text) if text else records.empty()


def current(host: Host, names: Iterable[str]) -> Tree:
    """What is on the host now, of the files named."""
    files = OrderedDict()  # type: Dict[str, File]
    for name in names:
        file = host.file(name)
        if file is not None:
            files[name] = file
    return Tree(files, tree.parse_main(host.text(render.MAIN)), tree.parse_master(host.text(render.MASTER)))


def changes(host: Host, settings: Settings) -> List[Change]:
    """The plan for this host; reads only."""
    target, record = wanted(host, settings), load_record(host)
    return plan.changes(target, record, current(host, set(target.files) | set(record.entries["files"])),
                        rivals.taken_over(host, record))


def apply(host: Host, settings: Settings) -> Outcome:
    """Bring the host to what the settings say. Raises Problem when that can't be; then all is as it was before."""
    with host.lock():
        transaction.undo(host)
        rivals.ports_free(host)
        notices, reload = assets.ensure(host, settings)
        return carry_out(host, wanted(host, settings), notices, reload)


def carry_out(host: Host, target: Tree, notices: List[str], reload: Set[str]) -> Outcome:
    """The transaction itself; the caller holds the lock. `reload`: services that must read something anew besides."""
    before = load_record(host)
    now = current(host, set(target.files) | set(before.entries["files"]))
    all_changes = plan.changes(target, before, now, rivals.taken_over(host, before))
    after = _recorded(host, before, target, now, all_changes)
    to_do = plan.to_do(all_changes)
    actions = _actions(to_do, reload)
    if not before.originals:
        # The first time: Rspamd has just got a new group, and daemons may hold ports that are not theirs any more.
        actions = {service: "restart" for service in services.DAEMONS}
    new_record = File(records.dumps(after).encode("ascii"), 0o600, "root", "root")
    try:
        if to_do:
            _swap_judged(host, to_do, new_record)
        touched = services.take_effect(host, actions)
        if touched:
            verify.serving(host)
    except Problem as error:
        raise _taken_back(host, actions, error)
    except BaseException:
        # Interrupted, the disk full, …: the same, and whoever called says what happened.
        _taken_back(host, actions, Problem("interrupted"))
        raise
    if not to_do and after != before:
        host.write(records.PATH, new_record)
    transaction.commit(host)
    ucf.register(host, to_do, records.own_files(after))
    return Outcome(to_do, plan.by_hand(all_changes), touched, notices)


def _swap_judged(host: Host, to_do: List[Change], new_record: File) -> None:
    """Make the new files in a stage, ask the daemons, then put them in place, and the record that tells of them."""
    files = OrderedDict((change.name, change.wanted) for change in to_do if change.kind == "files")
    with host.stage() as stage:
        for name, file in files.items():
            stage.put(name, file)
        if any(change.kind != "files" for change in to_do):
            files.update(postconf.edited(host, stage, to_do))
        verify.judge(stage)
    files[records.PATH] = new_record
    transaction.swap(host, files)


def _actions(to_do: List[Change], reload: Set[str]) -> Dict[str, str]:
    """What each service needs so that it reads what changed."""
    actions = {service: "reload" for service in reload}
    for change in to_do:
        folder = change.name.split("/")[1] if change.kind == "files" else "postfix"
        service = "postfix" if folder == "mailname" else folder
        actions.setdefault(service, "reload")
    if any(change.name in _RESTART_POSTFIX for change in to_do if change.kind == "parameters"):
        actions["postfix"] = "restart"
    if any(change.name.startswith(_RESTART_RSPAMD) for change in to_do):
        actions["rspamd"] = "restart"
    return actions


def _taken_back(host: Host, actions: Dict[str, str], error: Problem) -> Problem:
    """Undo the swap and let the daemons read the old configuration; the sentence that tells of it."""
    if not transaction.undo(host):
        return error
    try:
        services.take_effect(host, actions)
    except Problem as second:
        return Problem("{}; the configuration was put back to what it was, but {}".format(error, second))
    return Problem("{}; the configuration was put back to what it was".format(error))


def _recorded(host: Host, before: Record, target: Tree, now: Tree, all_changes: List[Change]) -> Record:
    """The record as it will be once the changes are done."""
    decided = {(change.kind, change.name): change.action for change in all_changes}
    entries = OrderedDict()  # type: Dict[str, Dict[str, Entry]]
    for kind in records.KINDS:
        entries[kind] = OrderedDict()
        for name, thing in records.things(target, kind).items():
            old = before.entries[kind].get(name)
            stood = old.before if old else _stood_before(kind, records.things(now, kind).get(name))
            entries[kind][name] = Entry(stood, records.fingerprint(thing))
        for name, old in before.entries[kind].items():
            # What is not wanted any more but was changed by hand stays known: removal must name it too.
            if name not in entries[kind] and decided.get((kind, name)) == plan.CONFLICT:
                entries[kind][name] = old
    originals = before.originals or {path: records.file_to_json(host.file(path)) for path in postconf.STOCK}
    return Record(entries, originals, facts.gather(host.root).versions)


def _stood_before(kind: str, thing: Any) -> Any:
    return records.file_to_json(thing) if kind == "files" else thing
