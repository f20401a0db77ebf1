"""The golden trees: settings and versions in, a whole tree as text out.

`python3 tests/golden/trees.py` writes them anew.
"""

from __future__ import annotations

import pathlib
import sys

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT))

from smallmail.configuration import render  # noqa: E402
from smallmail.daemons import main_cf  # noqa: E402
from smallmail.daemons.facts import Facts  # noqa: E402
from smallmail.resources import Resources  # noqa: E402
from smallmail.settings.fields import Settings  # noqa: E402

# The versions that each suite has.
SUITES = {
    "stretch": ({"postfix": "3.1.9", "dovecot": "2.2.27", "rspamd": "1.8.3"}, "redis"),
    "bullseye": ({"postfix": "3.5.25", "dovecot": "2.3.13", "rspamd": "2.7"}, "redis"),
    "bookworm": ({"postfix": "3.7.11", "dovecot": "2.3.19.1", "rspamd": "3.4"}, "redis"),
    "trixie": ({"postfix": "3.10.5", "dovecot": "2.4.1", "rspamd": "3.12.1"}, "valkey"),
    "forky": ({"postfix": "3.11.1", "dovecot": "2.4.5", "rspamd": "4.1.0"}, "valkey"),
}

PLAIN = {"hostname": "mail.example.org", "domain": "example.org", "address": "alice@example.org"}
FULL = dict(PLAIN, **{
    "domain": "example.org example.net mail.example.org", "relayhost": "[smtp.example.com]:587",
    "relay-username": "relay-user", "relay-password": "relay-secret", "rspamd-password": "$2$salt$hash",
    "resolver": "192.0.2.53 2001:db8::53", "quota": "5G", "message-size-limit": "25M", "greylisting": "no",
    "mail-directory": "/srv/elsewhere", "local-senders": "www-data:shop@example.org @example.net",
    "bans-never": "192.0.2.0/24 2001:db8::1",
    "limit-recipients-hour": "50", "notify": "https://ntfy.example.org/topic",
    "backup-repository": "sftp:backup@nas.example.org:/smallmail", "backup-keep": "14d 12m",
})
CASES = {f"{suite}-{name}": (suite, texts)
         for suite in SUITES for name, texts in (("plain", PLAIN), ("full", FULL))}


def rendered(case: str, resources: Resources = Resources(2048, 2, True)) -> dict[str, str]:  # noqa: B008
    """Render the tree of one case, as text by path; Postfix's two files hold what postconf would be told."""
    suite, texts = CASES[case]
    versions, redis = SUITES[suite]
    facts = Facts(versions, redis, resources, validating=suite in ("trixie", "forky"),
                  mta_sts=suite in ("bookworm", "trixie"))
    tree = render.render(Settings(texts), facts, templates=str(ROOT / "templates"))
    files = {path: f"# mode {file.mode:o} {file.owner}:{file.group}\n" + file.content.decode()
             for path, file in tree.files.items()}
    files[main_cf.MAIN] = "".join(f"{name} = {value}\n" for name, value in sorted(tree.parameters.items()))
    files[main_cf.MASTER] = "".join(line.replace(" -o ", "\n  -o ") + "\n" for line in tree.services.values())
    return files


def stored(case: str) -> dict[str, str]:
    """Read the golden tree of one case."""
    folder = HERE / case
    return {str(path.relative_to(folder)): path.read_text(encoding="utf-8")
            for path in sorted(folder.rglob("*")) if path.is_file()}


def write(case: str) -> None:
    """Write the golden tree of one case as it is rendered now."""
    wanted, folder = rendered(case), HERE / case
    for path in set(stored(case)) - set(wanted):
        (folder / path).unlink()
    for path, text in wanted.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    for each in CASES:
        write(each)
