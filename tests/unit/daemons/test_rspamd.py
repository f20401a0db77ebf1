"""Rspamd: what it does not report itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from smallmail.daemons import rspamd
from smallmail.machine.file import File
from smallmail.machine.host import Host

OURS = 'bind_socket = "/var/spool/postfix/smallmail/milter.sock mode=0660";\n'
THEIRS = 'bind_socket = "127.0.0.1:11332";\n'
BOTH = 'bind_socket = ["/var/spool/postfix/smallmail/milter.sock mode=0660", "127.0.0.1:11332"];\n'


@pytest.mark.parametrize(("local", "override", "guilty"), [
    (OURS, None, None), (OURS, "count = 2;\n", None), (BOTH, None, None), (OURS, "# " + THEIRS, None),
    (THEIRS, OURS, None), (THEIRS, BOTH, None),
    (THEIRS, None, "local.d"), (None, None, "local.d"), ("# " + OURS, None, "local.d"), (OURS, THEIRS, "override.d")])
def test_a_file_that_keeps_rspamd_from_its_socket_is_named(
        tmp_path: Path, local: str | None, override: str | None, guilty: str | None) -> None:
    host = Host(str(tmp_path))
    for folder, text in (("local.d", local), ("override.d", override)):
        if text is not None:
            host.write(f"etc/rspamd/{folder}/worker-proxy.inc", File(text.encode(), 0o644, "root", "root"))
    sentence = rspamd.explain(host)
    assert bool(sentence) == bool(guilty)
    assert not guilty or sentence.startswith(f"/etc/rspamd/{guilty}/worker-proxy.inc keeps Rspamd from")
