"""Run `smallmail check` on a host, and break a host for as long as it runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.mail_host import MailHost


def checked(host: MailHost, groups: str = "") -> tuple[list[str], int]:
    """Run the check. Returns the problems, one sentence each, and the exit code."""
    done = host.machine.run("smallmail check --json " + groups, check=False)
    assert done.stdout, done.stderr
    return [each["what"] for each in json.loads(done.stdout) if each["severity"] == "problem"], done.returncode


@contextmanager
def broken(host: MailHost, how: str, repair: str) -> Iterator[None]:
    """Run a command that breaks the host, and in the end one that repairs it."""
    host.machine.run(how)
    try:
        yield
    finally:
        host.machine.run(repair)
