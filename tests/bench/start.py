"""How long each verb of `smallmail` takes to start, as a ratio to Python's own start. Needs no lab and no root.

CPU time of whole processes, as medians of runs that alternate with `python3 -I -c pass`: a busy machine slows both.
"""

from __future__ import annotations

import resource
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

SOURCE = Path(__file__).parents[2]
PYTHON = ["/usr/bin/python3", "-I", "-c"]
RUNS = 20

# Every verb, with words that it accepts.
VERBS = (
    "status", "check", "show", "set quota=1G", "plan", "apply", "history", "rollback", "domain add example.net",
    "domain remove example.net", "domain list", "user add bob@example.org", "user passwd bob@example.org",
    "user remove bob@example.org", "user disable bob@example.org", "user enable bob@example.org",
    "user limit bob@example.org", "user list", "queue list", "queue retry", "queue hold --from bob@example.org",
    "queue release --from bob@example.org", "queue drop --from bob@example.org",
    "alias add a@example.org b@example.org", "alias remove a@example.org", "alias list", "bans list",
    "bans add 203.0.113.5", "bans lift 203.0.113.5", "bans never 203.0.113.5", "certificate status",
    "backup now", "backup status", "backup list", "restore server",
    "restore mailbox bob@example.org", "certificate obtain", "dns show", "dns check", "dns publish", "dkim list",
    "dkim rotate",
)  # fmt: skip
HARMLESS = ("show", "history", "domain list", "user list", "alias list", "dkim list")

# As debian/smallmail has it.
_HEAD = "import atexit, gc, sys; gc.disable(); atexit.register(gc.freeze); sys.path.insert(0, {folder!r})\n"
_TYPED = _HEAD + "from smallmail.commands import cli; cli.main({words!r})"
_READ = _HEAD + "from smallmail.commands.arguments import parser; options = parser.parse({words!r})\n"
_READY = _READ + "parser.work(options.work)"
_RUN = _READ + "from smallmail.machine.host import Host; parser.run(Host({root!r}), options)"

SETTINGS = "hostname = mx.example.org\ndomain = example.org\naddress = alice@example.org\n"


class Start(NamedTuple):
    """CPU time of one command in units of Python's own start."""

    read: float  # until its arguments are read
    ready: float  # until what does the work is loaded
    run: float | None  # until it has done it, on an empty host


def _seconds(code: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([*PYTHON, code], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def ratio(code: str) -> float:
    pairs = [(_seconds(code), _seconds("pass")) for _ in range(RUNS)]
    return statistics.median(mine for mine, _ in pairs) / statistics.median(own for _, own in pairs)


def measured(folder: str, root: str) -> Iterator[tuple[str, Start]]:
    """Measure in a folder that holds the package with its bytecode, as an installation has it."""
    for verb in VERBS:
        given = {"folder": folder, "root": root, "words": verb.split()}
        run = ratio(_RUN.format(**given)) if verb in HARMLESS else None
        yield verb, Start(ratio(_READ.format(**given)), ratio(_READY.format(**given)), run)


def installed(folder: Path) -> None:
    """Put the package there, with its bytecode."""
    shutil.copytree(SOURCE / "smallmail", folder / "smallmail", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "debian").mkdir()
    shutil.copy(SOURCE / "debian/changelog", folder / "debian/changelog")
    subprocess.run([*PYTHON, f"import compileall; compileall.compile_dir({str(folder)!r}, quiet=1)"], check=True)


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as scratch:
        folder, root = Path(scratch, "package"), Path(scratch, "host")
        installed(folder)
        (root / "etc/smallmail").mkdir(parents=True)
        (root / "var/lib/smallmail").mkdir(parents=True)
        (root / "etc/smallmail/smallmail.conf").write_text(SETTINGS)
        print(f"start of each verb: CPU time in units of 'python3 -I -c pass' ({_seconds('pass') * 1000:.0f} ms)")
        for words in (["--help"], ["help", "user", "add"]):
            print(f"  {ratio(_TYPED.format(folder=str(folder), words=words)):5.2f}  smallmail {' '.join(words)}")
        print("   read  ready    run (on an empty host)")
        for verb, start in measured(str(folder), str(root)):
            run = f"{start.run:6.2f}" if start.run else " " * 6
            print(f"  {start.read:5.2f}  {start.ready:5.2f} {run}  smallmail {verb}")


if __name__ == "__main__":
    main()
