"""Apply, the only writer: stage, let the daemons judge, swap, reload what changed, verify, record;
or leave all as it was.

The order makes it safe to be cut off anywhere: until the swap nothing live has changed; from then on the journal
(transaction.py) takes it back, the record and the history with it.
"""
import contextlib
from collections import OrderedDict
from typing import Any, Dict, Iterable, List, NamedTuple, Optional

from smallmail.configuration import (
    effects,
    history,
    in_force,
    plan,
    prepare,
    record,
    render,
    set_aside,
    take_over,
    transaction,
    ucf,
    verify,
)
from smallmail.configuration.history import LOCAL
from smallmail.configuration.plan import Change
from smallmail.configuration.record import Entry, Record
from smallmail.configuration.tree import Tree
from smallmail.daemons import facts, judge, main_cf, postconf, running
from smallmail.errors import Problem
from smallmail.machine import state
from smallmail.machine.file import File
from smallmail.machine.host import Failed, Host
from smallmail.settings.fields import Settings

Files = Dict[str, Optional[File]]

Outcome = NamedTuple("Outcome", [
    ("done", List[Change]),
    ("by_hand", List[Change]),
    ("touched", List[str]),     # the services that were started, restarted or reloaded
    ("notices", List[str]),
])

# One apply: what is known at its beginning. `changes` are those that it is about.
Job = NamedTuple("Job", [
    ("asked", str),
    ("inputs", Files),              # what the configuration is made from, as it will be
    ("versions", Dict[str, str]),   # of the daemons, now
    ("target", Tree),
    ("before", Record),
    ("now", Tree),
    ("changes", List[Change]),
])


def job(host: Host, settings: Settings, asked: str = "", inputs: Optional[Files] = None,
        replace: Iterable[str] = ()) -> Job:
    """What there is to do; reads only. `inputs` has those files that are to change in the same transaction."""
    inputs = OrderedDict((path, inputs[path] if inputs and path in inputs else host.file(path))
                         for path in history.INPUTS)
    found = facts.gather(host.root)
    target = render.render(settings, found, _text(inputs[LOCAL + "main.cf"]), _text(inputs[LOCAL + "master.cf"]),
                           host.path(render.TEMPLATES[1:]))
    before = in_force.load_record(host)
    target = take_over.silenced(host, target, before)
    now = in_force.current(host, set(target.files) | set(before.entries["files"]))
    return Job(asked, inputs, found.versions, target, before, now,
               plan.changes(target, before, now, take_over.taken_over(host, target, before), replace))


def unread(host: Host) -> List[str]:
    """A sentence for each of the admin's own Postfix lines that says nothing to Postfix."""
    main, master = (host.text(LOCAL + name) for name in ("main.cf", "master.cf"))
    return ["'{}' in /{} is neither a parameter nor a service: it is left out".format(line, LOCAL)
            for line in main_cf.unread(main, master)]


def apply(host: Host, settings: Settings, asked: str, inputs: Optional[Files] = None,
          replace: Iterable[str] = ()) -> Outcome:
    """Bring the host to what the settings say, for whoever or whatever asked. Raises Problem when that can't be; then
    all is as it was before."""
    with host.lock():
        transaction.undo(host)
        take_over.ports_free(host)
        ensured = prepare.ensure(host, settings)
        the_job = job(host, settings, asked, inputs, replace)
        try:
            return _carry_out(host, the_job, ensured, OrderedDict())
        except judge.Refused as refusal:
            lines = [path for path in history.INPUTS[1:] if the_job.inputs[path]]
            if refusal.daemon != "postfix" or refusal.daemon not in _renewed(the_job) or not lines:
                raise
            notices = [set_aside.sentence(path, "postfix", refusal) for path in lines]
        return _without_local_lines(host, settings, the_job, lines,
                                    ensured._replace(notices=ensured.notices + notices))


def follow(host: Host, settings: Settings, daemon: str) -> List[str]:
    """Let one daemon's files fit the version that is installed now, and touch no service: it is about to start.
    Returns notices. The caller holds the lock."""
    whole = job(host, settings)
    the_job = whole._replace(
        asked="{} {} (it was {})".format(daemon, whole.versions[daemon], whole.before.versions.get(daemon)),
        changes=[change for change in whole.changes if effects.of(change.kind, change.name) == daemon])
    notices = _swap_judged(host, the_job, OrderedDict(), {}, only=daemon)
    transaction.commit(host)
    with contextlib.suppress(Failed):   # where debconf is busy with dpkg, the next apply makes up for it
        _tell_ucf(host, the_job)
    return notices


def _without_local_lines(host: Host, settings: Settings, the_job: Job, lines: List[str],
                         ensured: prepare.Ensured) -> Outcome:
    """Postfix's new version refuses something: the admin's own lines are what we can set aside."""
    inputs, extra = OrderedDict(the_job.inputs), OrderedDict()  # type: Files, Files
    for path in lines:
        extra.update(set_aside.move(host, path))
        inputs[path] = None
    return _carry_out(host, job(host, settings, the_job.asked, inputs), ensured, extra)


def _carry_out(host: Host, the_job: Job, ensured: prepare.Ensured, extra: Files) -> Outcome:
    """The transaction itself. `extra`: other files that change with the rest."""
    to_do = plan.to_do(the_job.changes)
    actions = effects.needed(to_do)
    if ensured.links:
        actions = dict({"dovecot": "reload", "postfix": "reload"}, **actions)
    if not the_job.before.originals:
        # The first time: Rspamd has just got a new group, and daemons may hold ports that are not theirs any more.
        actions = {service: "restart" for service in running.DAEMONS}
    try:
        notices = _swap_judged(host, the_job, extra, ensured.links)
        touched = running.take_effect(host, actions)
        if touched:
            verify.serving(host)
    except Problem as error:
        raise _taken_back(host, actions, error)
    except BaseException:
        # Interrupted, the disk full, …: the same, and whoever called says what happened.
        _taken_back(host, actions, Problem("interrupted"))
        raise
    transaction.commit(host)
    _tell_ucf(host, the_job)
    by_hand = [change for change in plan.by_hand(the_job.changes)
               if change.kind != "files" or host.file(change.name) == change.now]   # else it was set aside
    return Outcome(to_do, by_hand, touched, ensured.notices + notices)


def _swap_judged(host: Host, the_job: Job, extra: Files, links: Dict[str, str], only: str = "") -> List[str]:
    """Make the new files in a stage, ask the daemons concerned, then put them in place, with the record and the
    history that tell of them; nothing when nothing differs. Returns notices."""
    to_do = plan.to_do(the_job.changes)
    files = OrderedDict((change.name, change.wanted) for change in to_do if change.kind == "files")  # type: Files
    notices = []  # type: List[str]
    # A daemon in a new version is asked in any case: what it may refuse is an admin's file.
    concerned = {name for name in _renewed(the_job) if only in ("", name)}
    concerned.update(effects.of(change.kind, change.name) for change in to_do)
    if concerned:
        with host.stage() as stage:
            for name, file in files.items():
                stage.put(name, file)
            if any(change.kind != "files" for change in to_do):
                files.update(postconf.edited(host, stage, plan.wanted(to_do, "parameters"),
                                             plan.wanted(to_do, "services")))
            for daemon in sorted(concerned):
                notices += _judge(host, stage, daemon, the_job, files)
    files.update(extra)
    files.update((path, file) for path, file in the_job.inputs.items() if file != host.file(path))
    files.update(history.added(host, the_job.asked, the_job.inputs, the_job.versions, the_job.target))
    after = _recorded(host, the_job)
    if only:
        after = _for_one(the_job.before, after, only)
    if after != the_job.before:
        files[state.PATH] = File(record.dumps(after).encode("ascii"), 0o600, "root", "root")
    if files or links:
        # What refers to a file comes after it is there, and goes before it does.
        transaction.swap(host, OrderedDict(sorted(files.items(), key=_order)), links)
    return notices


def _tell_ucf(host: Host, the_job: Job) -> None:
    ucf.register(host, the_job.target.files, plan.to_do(the_job.changes), record.own_files(in_force.load_record(host)))


def _order(item: Any) -> int:
    path, file = item
    return 2 if file is None else 1 if path in postconf.STOCK else 0


def _judge(host: Host, stage: Host, daemon: str, the_job: Job, files: Files) -> List[str]:
    """Ask the daemon. What it refuses in a new version and is the admin's own goes to `files` under its other name;
    a notice of each."""
    try:
        judge.judge(stage, daemon)
        return []
    except judge.Refused as refusal:
        if daemon not in _renewed(the_job):
            raise
        changed, notices = set_aside.taken_out(host, stage, daemon, the_job.target, files, refusal,
                                           lambda: judge.judge(stage, daemon))
        if not changed:
            raise
        files.update(changed)
        return notices


def _renewed(the_job: Job) -> List[str]:
    """The daemons that were installed in another version since the last configuration was written, or for which none
    was written: an installation, too, must not fail because of what a changed file of an earlier one says."""
    if not the_job.before.originals:
        return list(the_job.versions)
    known = the_job.before.versions
    return [daemon for daemon, version in the_job.versions.items() if known.get(daemon, version) != version]


def _taken_back(host: Host, actions: Dict[str, str], error: Problem) -> Problem:
    """Undo the swap and let the daemons read the old configuration; the sentence that tells of it."""
    if not transaction.undo(host):
        return error
    try:
        running.take_effect(host, actions)
    except Problem as second:
        return Problem("{}; the configuration was put back to what it was, but {}".format(error, second))
    return Problem("{}; the configuration was put back to what it was".format(error))


def _recorded(host: Host, the_job: Job) -> Record:
    """The record as it will be once the changes are done."""
    before, decided = the_job.before, {(change.kind, change.name): change.action for change in the_job.changes}
    entries = OrderedDict()  # type: Dict[str, Dict[str, Entry]]
    for kind in record.KINDS:
        entries[kind] = OrderedDict()
        for name, thing in record.things(the_job.target, kind).items():
            old = before.entries[kind].get(name)
            stood = old.before if old else _stood_before(kind, record.things(the_job.now, kind).get(name))
            entries[kind][name] = Entry(stood, record.fingerprint(thing))
        for name, old in before.entries[kind].items():
            # What is not wanted any more but was changed by hand stays known: removal must name it too.
            if name not in entries[kind] and decided.get((kind, name)) == plan.CONFLICT:
                entries[kind][name] = old
    originals = before.originals or {path: record.file_to_json(host.file(path)) for path in postconf.STOCK}
    return Record(entries, originals, the_job.versions)


def _for_one(before: Record, after: Record, daemon: str) -> Record:
    """What the later record says of one daemon, and what the earlier one says of all others."""
    entries = OrderedDict()  # type: Dict[str, Dict[str, Entry]]
    for kind in record.KINDS:
        entries[kind] = OrderedDict(
            [(name, entry) for name, entry in before.entries[kind].items() if effects.of(kind, name) != daemon]
            + [(name, entry) for name, entry in after.entries[kind].items() if effects.of(kind, name) == daemon])
    return Record(entries, before.originals, dict(before.versions, **{daemon: after.versions[daemon]}))


def _stood_before(kind: str, thing: Any) -> Any:
    return record.file_to_json(thing) if kind == "files" else thing


def _text(file: Optional[File]) -> str:
    return file.content.decode("utf-8", "replace") if file else ""
