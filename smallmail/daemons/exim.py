"""Exim, which Postfix replaces: whether an admin made it do more than deliver mail locally.

Exim's files outlive its removal, and apt removes it before smallmail can look at the running daemon.
"""
import re
from typing import Iterator, Tuple

from smallmail.daemons import packaged
from smallmail.daemons.main_cf import logical_lines

# While apt has yet to replace it, it holds port 25.
PROGRAM = "/usr/sbin/exim4"

_WHOLE = "etc/exim4/exim4.conf"
_ANSWERS = "etc/exim4/update-exim4.conf.conf"


def admins_files(root: str = "/") -> Iterator[str]:
    """Yield the files that let Debian's Exim do more than deliver mail locally."""
    if packaged.has_settings(packaged.text(root, _WHOLE)):
        yield _WHOLE
    answers = dict(_answers(packaged.text(root, _ANSWERS)))
    own_names = {"localhost", packaged.text(root, "etc/mailname").strip(), packaged.text(root, "etc/hostname").strip()}
    names = {name for name in re.split(r"[\s:;]+", answers.get("dc_other_hostnames", "")) if name}
    is_local = answers.get("dc_eximconfig_configtype", "local") in ("local", "none")
    # "mx.example.org" is the host mx itself.
    if not is_local or not all(name in own_names or name.partition(".")[0] in own_names for name in names):
        yield _ANSWERS


def _answers(text: str) -> Iterator[Tuple[str, str]]:
    """Yield the answers to the questions of Exim's package, which are written as assignments for sh."""
    for line in logical_lines(text):
        name, _, value = line.partition("=")
        yield name, value.strip("'\"")
