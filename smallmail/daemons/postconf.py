"""Edit main.cf and master.cf with Postfix's own program, postconf(1), as Debian Policy 10.7.4 asks of us.

postconf works on the staged copies; the result replaces the live files as a whole, so that a Postfix process which
starts in between never reads half of a change.
"""
from typing import Dict, List, Optional

from smallmail.daemons.main_cf import MAIN, MASTER
from smallmail.machine.file import File, bytes_of
from smallmail.machine.host import Host

# What Postfix's package creates. The files are missing if its own question was answered with "No configuration".
STOCK = {
    MAIN: "usr/share/postfix/main.cf.debian",
    MASTER: "usr/share/postfix/master.cf.dist",
}


def edited(host: Host, stage: Host, parameters: Dict[str, Optional[str]],
           services: Dict[str, Optional[str]]) -> Dict[str, File]:
    """Make these changes on the stage. Returns the new main.cf and master.cf, with the live files' owners and modes.
    Raises Failed.

    None (of a service also "") removes the entry.
    """
    for path, stock in STOCK.items():
        # Written even if it exists: in the stage, too, an admin's symbolic link would point to the live file.
        live = host.file(path) or File(bytes_of(host.text(stock)), 0o644, "root", "root")
        stage.write(path, live._replace(content=_with_last_line_ended(live.content)))
    put(stage, parameters)
    _postconf(stage, "-M", ["{}={}".format(name, entry) for name, entry in services.items() if entry])
    _postconf(stage, "-MX", [name for name, entry in services.items() if not entry])
    return {path: _like(host.file(path), stage.file(path)) for path in STOCK}


def put(stage: Host, parameters: Dict[str, Optional[str]]) -> None:
    """Set these parameters in the staged main.cf; None removes one. Raises Failed."""
    _postconf(stage, "-e", ["{}={}".format(name, value) for name, value in parameters.items() if value is not None])
    _postconf(stage, "-X", [name for name, value in parameters.items() if value is None])


def defaults(host: Host, names: List[str]) -> Dict[str, str]:
    """Return Postfix's own defaults for these parameters, without those that it does not know. Raises Failed."""
    lines = host.run(["postconf", "-d"]).splitlines()
    values = dict(line.split(" =", 1) for line in lines if " =" in line)
    return {name: values[name].strip() for name in names if name in values}


def _with_last_line_ended(content: bytes) -> bytes:
    """End the last line: postconf up to Postfix 3.7 at least appends to a line without an end, even to a comment."""
    return content + b"\n" if content and not content.endswith(b"\n") else content


def _postconf(stage: Host, option: str, arguments: List[str]) -> None:
    if arguments:
        stage.run(["postconf", "-c", stage.path("etc/postfix"), option] + arguments)


def _like(live: Optional[File], edited_file: Optional[File]) -> File:
    content = edited_file.content if edited_file else b""
    return live._replace(content=content) if live else File(content, 0o644, "root", "root")
