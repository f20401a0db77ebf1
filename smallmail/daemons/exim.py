"""What was carried out of larger files: see the names below."""
import re
from typing import Iterator, Tuple

from smallmail.daemons import packaged
from smallmail.daemons.main_cf import logical_lines


def exim(root: str = "/") -> Iterator[str]:
    """The files that let Debian's Exim do more than to deliver locally. They outlive its removal by apt, which comes
    before ours can look: Postfix takes its place."""
    if packaged.says_something(packaged.text(root, "etc/exim4/exim4.conf")):
        yield "/etc/exim4/exim4.conf"
    choices = dict(_choices(packaged.text(root, "etc/exim4/update-exim4.conf.conf")))
    own = {"localhost", packaged.text(root, "etc/mailname").strip(), packaged.text(root, "etc/hostname").strip()}
    names = {name for name in re.split(r"[\s:;]+", choices.get("dc_other_hostnames", "")) if name}
    local = choices.get("dc_eximconfig_configtype", "local") in ("local", "none")
    # "mx.example.org" is the host mx itself.
    if not local or not all(name in own or name.partition(".")[0] in own for name in names):
        yield "/etc/exim4/update-exim4.conf.conf"


def _choices(text: str) -> Iterator[Tuple[str, str]]:
    """The answers to Exim's questions, which are lines for sh."""
    for line in logical_lines(text):
        name, _, value = line.partition("=")
        yield name, value.strip("'\"")
