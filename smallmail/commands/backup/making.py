"""`smallmail backup`: make a backup, and tell how the last one went."""
import argparse
import sys
from collections import OrderedDict
from typing import Callable

from smallmail.backup import restic, result, saved, snapshots, take
from smallmail.check import units
from smallmail.commands.arguments.parser import Told
from smallmail.machine import dates, services, state
from smallmail.machine.host import Failed, Host
from smallmail.settings import saving, store


def now(host: Host, options: argparse.Namespace) -> int:
    """Make a backup, or tell what it would have. Returns the exit code."""
    settings = store.load(host)
    store.must_be_set_up(host)
    if options.dry_run:
        for path, what in saved.explained(host, settings).items():
            print("{:<28} {}".format(path, what))
        print("Left out: {}".format(", ".join("/" + path for path in state.LEFT_OUT[:-1])))
        print("{} would go to {}, encrypted; what is there already is not saved again.".format(
            units.size(take.size(host, settings)), restic.where(settings)))
        return 0
    done = take.take(host, settings, _progress(), options.new)
    print("Saved {} files, {} ({} new), to {} in {} s.".format(
        done.files, units.size(done.size), units.size(done.added), done.repository, done.seconds))
    if done.note:
        print("Note: {}".format(done.note))
    print("Without the password in /{} nobody can read it: keep a copy elsewhere.".format(restic.PASSWORD))
    return 0


def status(host: Host, _: argparse.Namespace) -> Told:
    """Return how the last backup went, and what is kept; the exit code is 1 when there is a problem."""
    settings, last = store.load(host), result.load(host)
    found = list(result.findings(host, settings))
    data = OrderedDict([
        ("repository", restic.where(settings)), ("keep", " ".join(settings.backup_keep)),
        ("last", dates.minute(last.when) if last.when else ""), ("seconds", last.seconds), ("files", last.files),
        ("bytes", last.size), ("bytes_added", last.added), ("error", last.error), ("note", last.note),
        ("next", _next(host))])
    lines = ["repository   {}".format(data["repository"])]
    if settings.backup_repository != saving.OFF:
        told = "{}: {} files, {} ({} new), {} s".format(
            data["last"], last.files, units.size(last.size), units.size(last.added), last.seconds)
        lines += ["last backup  {}".format(told if last.when else "none yet")]
        lines += ["kept         {}".format(data["keep"])]
        lines += ["next         {}".format(data["next"])] if data["next"] else []
    lines += ["{}: {}".format(finding.severity.capitalize(), finding.what + (
        " (" + finding.why + ")" if finding.why else "")) for finding in found]
    return "\n".join(lines), data, 1 if [each for each in found if each.severity == "problem"] else 0


def list_(host: Host, _: argparse.Namespace) -> Told:
    """Return the backups that the repository has."""
    settings = store.load(host)
    restic.use(host, settings)
    data = [OrderedDict([("id", made.number), ("when", dates.minute(made.when)), ("host", made.hostname)])
            for made in snapshots.load(host)]
    return "\n".join("{id}  {when}  {host}".format(**each) for each in data) or "There is no backup yet.", data, 0


def _next(host: Host) -> str:
    if not services.managed():
        return ""
    try:
        said = host.run(["systemctl", "show", "--property=NextElapseUSecRealtime", result.TIMER])
    except Failed:
        return ""
    return said.strip().partition("=")[2]


def _progress() -> Callable[[float], None]:
    """Return what shows progress on a terminal, and nothing elsewhere."""
    if not sys.stderr.isatty():
        return lambda part: None

    def show(part: float) -> None:
        sys.stderr.write("\r{:3.0f} %{}".format(100 * part, "\n" if part >= 1 else ""))
        sys.stderr.flush()
    return show
