"""Apply a configuration: stage it, let the daemons judge it, swap, reload what changed, verify, record; or leave
everything as it was. Only this module and hand_back.py change the daemons' configuration.

The order makes it safe to be cut off anywhere: until the swap nothing live has changed; from then on the journal
(transaction.py) takes it back, and the record and the history with it.
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
    set_aside_lines,
    take_over,
    transaction,
    ucf,
    verify,
)
from smallmail.configuration.arrival import settle
from smallmail.configuration.plan import Change
from smallmail.configuration.record import Record
from smallmail.configuration.tree import Tree
from smallmail.daemons import facts, judge, main_cf, postconf, running, table
from smallmail.daemons.daemon import Daemon
from smallmail.daemons.main_cf import LOCAL_MAIN, LOCAL_MASTER, MAIN
from smallmail.daemons.postfix import POSTFIX
from smallmail.errors import Problem
from smallmail.machine import reach, state, state_files
from smallmail.machine.file import File, text_of
from smallmail.machine.host import Failed, Host
from smallmail.resources import Resources, resources_change
from smallmail.settings.fields import Settings

# Seconds. A client that came while Dovecot was stopped has ended a process of Postfix, and Postfix starts no other one
# of its kind for so long (service_throttle_time, whose default was in force until 0.4.0).
_PAUSE = 60.0

Files = Dict[str, Optional[File]]

Outcome = NamedTuple("Outcome", [
    ("done", List[Change]),
    ("by_hand", List[Change]),
    ("touched", List[str]),     # the units that were started, restarted or reloaded
    ("notices", List[str]),
])

# One apply, as far as it is known at its beginning. `changes` are those that it is about.
Job = NamedTuple("Job", [
    ("asked", str),                 # who or what caused it
    ("returned", Optional[int]),    # the number of the configuration in the history that it returns to
    ("inputs", Files),              # what the configuration is made from, as it will be
    ("versions", Dict[str, str]),   # of the daemons, now
    ("resources", Resources),       # of the host, now
    ("target", Tree),
    ("before", Record),
    ("now", Tree),
    ("changes", List[Change]),
])


def job(host: Host, settings: Settings, asked: str = "", inputs: Optional[Files] = None,
        replace: Iterable[str] = (), returned: Optional[int] = None, resources: Optional[Resources] = None) -> Job:
    """Work out what there is to do, without changing anything. `inputs`: those files that are to change in the same
    transaction; `replace`: labels of what was changed by hand and is to be ours again; `returned`: the number of the
    configuration that these inputs are from; `resources`: others than the host's. Raises Problem."""
    inputs = OrderedDict((path, inputs[path] if inputs and path in inputs else host.file(path))
                         for path in history.INPUTS)
    host_facts = facts.gather(host.root)
    if resources:
        host_facts = host_facts._replace(resources=resources)
    target = render.render(settings, host_facts, _text(inputs[LOCAL_MAIN]), _text(inputs[LOCAL_MASTER]),
                           host.path(render.TEMPLATES[1:]))
    before = in_force.load_record(host)
    target = take_over.silenced(host, target, before)
    now = in_force.current(host, set(target.files) | set(before.entries["files"]))
    target = plan.kept_whole(target, before, now, host_facts.versions, replace)
    return Job(asked, returned, inputs, host_facts.versions, host_facts.resources, target, before, now,
               plan.changes(target, before, now, take_over.taken_over(host, target, before), replace))


def unread(host: Host) -> List[str]:
    """Return a sentence for each of the admin's own Postfix lines that Postfix would not understand."""
    folder = LOCAL_MAIN.rpartition("/")[0]
    return ["'{}' in /{} is neither a parameter nor a service: it is ignored".format(line, folder)
            for line in main_cf.unread(host.text(LOCAL_MAIN), host.text(LOCAL_MASTER))]


def apply(host: Host, settings: Settings, asked: str, inputs: Optional[Files] = None,
          replace: Iterable[str] = (), returned: Optional[int] = None) -> Outcome:
    """Make the host what the settings say. `asked` says who or what caused it, for the history; for the rest see job().
    Returns what was done. Raises Problem if that is not possible; then everything is as it was before."""
    with host.lock():
        arrived = settle.settle(host, settings.mail_directory)
        transaction.undo(host)
        take_over.ports_free(host)
        ensured = prepare.ensure(host, settings)
        ensured = ensured._replace(notices=arrived + ensured.notices)
        the_job = job(host, settings, asked, inputs, replace, returned)
        try:
            return _carry_out(host, the_job, ensured, OrderedDict())
        except judge.Refused as refusal:
            paths = [path for path in (LOCAL_MAIN, LOCAL_MASTER) if the_job.inputs[path]]
            if refusal.daemon.name != POSTFIX.name or not _is_renewed(the_job, POSTFIX) or not paths:
                raise
            notices = [set_aside.sentence(path, POSTFIX, refusal) for path in paths]
        return _without_local_lines(host, settings, the_job, paths,
                                    ensured._replace(notices=ensured.notices + notices))


def follow(host: Host, settings: Settings, daemon: str) -> List[str]:
    """Write one daemon's files for the version that is installed now and for what this host has, and touch no
    service: it is about to start. The caller holds the lock. Returns notices. Raises Problem."""
    whole = job(host, settings)
    the_job = whole._replace(
        asked=_what_is_new(whole, daemon),
        changes=[change for change in whole.changes if effects.is_read_by(daemon, change.kind, change.name)])
    notices = _swap_judged(host, the_job, OrderedDict(), {}, only=daemon)
    transaction.commit(host)
    with contextlib.suppress(Failed):   # if debconf is busy with dpkg, the next apply makes up for it
        _tell_ucf(host, the_job)
    return notices


def _what_is_new(the_job: Job, daemon: str) -> str:
    """Return for the history what has changed of the daemon, or else of the host."""
    version, had = the_job.before.versions.get(daemon), the_job.before.made_for.get(daemon)
    if had and version == the_job.versions[daemon]:
        return resources_change(the_job.resources, had)
    return "{} {} (it was {})".format(daemon, the_job.versions[daemon], version)


def _without_local_lines(host: Host, settings: Settings, the_job: Job, paths: List[str],
                         ensured: prepare.Ensured) -> Outcome:
    """Apply without the files of the admin's own Postfix lines, which Postfix's new version does not accept."""
    inputs, extra = OrderedDict(the_job.inputs), OrderedDict()  # type: Files, Files
    for path in paths:
        extra.update(set_aside.move(host, path))
        inputs[path] = None
    return _carry_out(host, job(host, settings, the_job.asked, inputs), ensured, extra)


def _carry_out(host: Host, the_job: Job, ensured: prepare.Ensured, extra: Files) -> Outcome:
    """Run the transaction itself. `extra`: other files that change with the rest."""
    to_do = plan.to_do(the_job.changes)
    actions, stopping = effects.needed(to_do), effects.stopped_for(to_do)
    if ensured.links:
        for daemon in table.SERVING_CERTIFICATE:
            actions.setdefault(daemon.name, "reload")
    actions.update((name, "restart") for name in effects.units_changed(host))
    if not the_job.before.originals:
        # The first time: Rspamd has just joined a group, and daemons may hold ports that they are to give up.
        actions = {daemon.name: "restart" for daemon in table.ALL}
    try:
        notices = _swap_judged(host, the_job, extra, ensured.links, stopping)
        touched = running.take_effect(host, actions)
        if touched:
            notices += verify.serving(host, _PAUSE if stopping else 0.0)
    except Problem as error:
        raise _taken_back(host, actions, stopping, error)
    except BaseException:
        # Interrupted, the disk full, …: the same, and the caller reports it.
        _taken_back(host, actions, stopping, Problem("interrupted"))
        raise
    transaction.commit(host)
    effects.remember_units(host)
    _tell_ucf(host, the_job)
    by_hand = [change for change in plan.by_hand(the_job.changes)
               if change.kind != "files" or host.file(change.name) == change.now]   # else it was set aside
    notices += [reach.sentence(each) for each in in_force.closed(host)]
    return Outcome(to_do, by_hand, touched, ensured.notices + notices)


def _swap_judged(host: Host, the_job: Job, extra: Files, links: Dict[str, str], stopping: Iterable[Daemon] = (),
                 only: str = "") -> List[str]:
    """Make the new files on a stage, ask the daemons concerned, then put them in place, together with the record and
    the history entry; nothing if nothing differs. `stopping`: the daemons that must not run meanwhile. `only`: the one
    daemon that it is about. Returns notices."""
    to_do = plan.to_do(the_job.changes)
    files = OrderedDict((change.name, change.wanted) for change in to_do if change.kind == "files")  # type: Files
    notices = []  # type: List[str]
    # A daemon in a new version is asked in any case: it may refuse an admin's file.
    concerned = [daemon for daemon in table.ALL
                 if (only in ("", daemon.name) and _is_renewed(the_job, daemon))
                 or any(effects.is_read_by(daemon.name, change.kind, change.name) for change in to_do)]
    if concerned:
        with host.stage(table.FOLDERS) as stage:
            for name, file in files.items():
                stage.put(name, file)
            if any(change.kind != "files" for change in to_do):
                files.update(postconf.edited(host, stage, plan.wanted(to_do, "parameters"),
                                             plan.wanted(to_do, "services")))
            for daemon in concerned:
                notices += _judge(host, stage, daemon, the_job, files)
    files.update(extra)
    files.update((path, file) for path, file in the_job.inputs.items() if file != host.file(path))
    files.update(history.added(host, the_job.asked, the_job.inputs, the_job.versions, the_job.target,
                               the_job.returned))
    after = _record_after(host, the_job, only)
    for path in (state.RECORD, state.OWN_RECORD):
        new = state_files.file(path, record.dumps(after).encode("ascii"))
        if new != host.file(path):
            files[path] = new
    if files or links:
        running.stop(host, stopping)
        # What refers to a file is written after the file, and removed before it.
        transaction.swap(host, OrderedDict(sorted(files.items(), key=_order)), links)
    return notices


def _tell_ucf(host: Host, the_job: Job) -> None:
    ucf.register(host, the_job.target.files, plan.to_do(the_job.changes), record.own_files(in_force.load_record(host)))


def _order(item: Any) -> int:
    path, file = item
    if file is None:
        return 2
    return 1 if path in postconf.STOCK else 0


def _judge(host: Host, stage: Host, daemon: Daemon, the_job: Job, files: Files) -> List[str]:
    """Ask the daemon. What it refuses in a new version and is the admin's own is added to `files` under another name.
    Returns a notice of each. Raises Refused."""
    try:
        judge.judge(stage, daemon)
        return []
    except judge.Refused as refusal:
        if not _is_renewed(the_job, daemon):
            raise
        changed, notices = _set_aside(host, stage, daemon, the_job.target, files, refusal)
        if not changed:
            raise
        files.update(changed)
        return notices


def _set_aside(host: Host, stage: Host, daemon: Daemon, target: Tree, files: Files,
               refusal: judge.Refused) -> set_aside.TakenOut:
    """Find what of the admin's own the daemon refuses: lines of Postfix's main.cf, or files of another daemon."""
    def ask() -> None:
        judge.judge(stage, daemon)

    if daemon.name != POSTFIX.name:
        return set_aside.taken_out(host, stage, daemon, target, refusal, ask)
    main = files.get(MAIN) or host.file(MAIN)
    return set_aside_lines.taken_out(host, stage, main, target, refusal, ask) if main else (OrderedDict(), [])


def _is_renewed(the_job: Job, daemon: Daemon) -> bool:
    """Tell whether the daemon was installed in another version since the last configuration was written. If none was
    written, every daemon counts: an installation, too, must not fail because of an earlier configuration's file."""
    if daemon.name not in the_job.versions:
        return False
    version = the_job.versions[daemon.name]
    return not the_job.before.originals or the_job.before.versions.get(daemon.name, version) != version


def _taken_back(host: Host, actions: Dict[str, str], stopped: Iterable[Daemon], error: Problem) -> Problem:
    """Undo the swap and let the daemons read the old configuration. Returns the error with a sentence on that."""
    if not transaction.undo(host):
        running.start(host, stopped)
        return error
    try:
        running.take_effect(host, actions)
    except Problem as second:
        return Problem("{}; the previous configuration was restored, but {}".format(error, second))
    return Problem("{}; the previous configuration was restored".format(error))


def _record_after(host: Host, the_job: Job, only: str) -> Record:
    """Return the record as it will be once the changes are done. `only`: the one daemon that they are about."""
    before = the_job.before
    conflicts = {(change.kind, change.name) for change in the_job.changes if change.action == plan.CONFLICT}
    originals = before.originals or {path: record.file_to_json(host.file(path)) for path in postconf.STOCK}
    after = record.after(before, the_job.target, the_job.now, conflicts)
    after = after._replace(originals=originals, versions=the_job.versions,
                           made_for=OrderedDict((daemon, the_job.resources) for daemon in the_job.versions))
    if not only:
        return after
    return record.with_one_daemon(before, after, only, lambda kind, name: effects.is_read_by(only, kind, name))


def _text(file: Optional[File]) -> str:
    return text_of(file.content) if file else ""
