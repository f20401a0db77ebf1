"""Tell Rspamd which keys to sign with, and prove that it does.

Its configuration includes a file of ours (state.DKIM_CONF), which is replaced in one step and read at a reload. Rspamd
is then given a letter: the signatures on it show which keys it uses.
"""
import hashlib
import re
import time
from collections import OrderedDict
from typing import Dict, Iterator, List, Set

from smallmail.accounts import domains
from smallmail.daemons import rspamd_controller, running
from smallmail.daemons.rspamd import RSPAMD
from smallmail.dkim import former, keys as dkim_keys
from smallmail.dkim.key_format import RSA
from smallmail.dkim.key_list import OLD, SIGNING, Key
from smallmail.errors import Problem
from smallmail.machine import state, state_files
from smallmail.machine.host import Host
from smallmail.settings.fields import Settings

# What state.DKIM_SIGNING holds. `proven`: the version of state.DKIM_CONF that Rspamd was last seen to sign by, `told`:
# the one that it was last told to read, each as a SHA-256 digest; `trouble`: why Rspamd did not sign by it.
_EMPTY = OrderedDict([("proven", ""), ("told", ""), ("trouble", "")])   # type: Dict[str, str]
_RELOADING = 60.0   # seconds: Rspamd may compile its patterns first


def text(keys: List[Key]) -> str:
    """Return the text of the file: the part `domain` of Rspamd's module dkim_signing. The keys in `selectors` sign
    too; Rspamd before version 2 makes one signature, and does not know the word."""
    lines = ["# Made by smallmail from the list of its DKIM keys ('smallmail dkim list').", "domain {"]
    for domain, mine in sorted(_by_domain(keys).items()):
        first = [_pair(key) for key in mine if key.kind == RSA]
        more = ["{{ {} }}".format(_pair(key)) for key in mine if key.kind != RSA]
        lines += ['  "{}" {{'.format(domain)] + ["    " + pair for pair in first]
        lines += ["    selectors = [{}];".format(", ".join(more))] if more else []
        lines += ["  }"]
    return "\n".join(lines + ["}"]) + "\n"


def _by_domain(keys: List[Key]) -> "OrderedDict[str, List[Key]]":
    found = OrderedDict()   # type: OrderedDict[str, List[Key]]
    for key in keys:
        if key.state == SIGNING:
            found.setdefault(key.domain, []).append(key)
    return found


def _pair(key: Key) -> str:
    return 'selector = "{}"; path = "/{}";'.format(key.selector, dkim_keys.path(key))


def write(host: Host) -> None:
    """Write the file for the keys that sign now. Rspamd reads it at its next start or reload. The caller holds the
    lock."""
    state_files.write(host, state.DKIM_CONF, text(dkim_keys.load(host)))


def prepare(host: Host, _: Settings) -> Iterator[str]:
    """Make the keys that mail domains lack, and let Rspamd sign with those that sign now. Yields no notice."""
    former.move(host)
    dkim_keys.ensure(host, domains.domains(host))
    write(host)
    yield from ()


def is_settled(host: Host) -> bool:
    """Tell whether Rspamd is known to sign with the right keys."""
    keys = dkim_keys.load(host)
    return _known(host)["proven"] == _digest(text(keys)) and not _just_left(keys)


def trouble(host: Host) -> str:
    """Return why Rspamd did not sign with the right keys when last asked; empty if it did, or was not asked yet."""
    return "" if is_settled(host) else _known(host)["trouble"]


def settle(host: Host, insist: bool = False) -> str:
    """Let Rspamd sign with the right keys, and note when it stopped using the others. Returns why it does not sign with
    them, or "". Rspamd is reloaded once for each change; `insist` reloads it again."""
    # An apply must not swap the rest of Rspamd's configuration meanwhile.
    with host.lock():
        write(host)
        if is_settled(host) or not running.active(host, RSPAMD):
            return ""
        keys, known = dkim_keys.load(host), _known(host)
        digest, wrong = _digest(text(keys)), _disagreement(host, keys)
        if wrong and (insist or known["told"] != digest):
            running.invoke(host, "reload", RSPAMD)
            wrong = _patiently(host, keys)
        known.update(proven="" if wrong else digest, told=digest, trouble=wrong)
        if not wrong:
            _note(host, _just_left(keys))
        state_files.save_json(host, state.DKIM_SIGNING, known)
        return wrong


def _known(host: Host) -> Dict[str, str]:
    """Load what was seen last; if the file is lost or damaged, Rspamd has to prove again what it signs with."""
    known = state_files.load_json(host, state.DKIM_SIGNING, _EMPTY)  # type: Dict[str, str]
    return known


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode("ascii")).hexdigest()


def _just_left(keys: List[Key]) -> List[Key]:
    return [key for key in keys if key.state == OLD and not key.left]


def _note(host: Host, left: List[Key]) -> None:
    now = time.time()
    with dkim_keys.changing(host) as keys:
        keys[:] = [key._replace(left=now) if key in left else key for key in keys]


def _patiently(host: Host, keys: List[Key]) -> str:
    deadline = time.monotonic() + _RELOADING
    while True:
        wrong = _disagreement(host, keys)
        if not wrong or time.monotonic() > deadline:
            return wrong
        time.sleep(0.2)


def _disagreement(host: Host, keys: List[Key]) -> str:
    """Compare the keys that Rspamd signs with to those that it should. Returns the difference in words, or ""."""
    for domain, mine in _by_domain(keys).items():
        try:
            found, wanted = _signatures(host, domain), {key.selector for key in mine}
        except (Problem, ValueError, OSError) as error:
            return "Rspamd does not answer: {}".format(error)
        if found != wanted:
            return "Rspamd signs mail from {} with {} and not with {}: 'journalctl -u rspamd' may say why, or a file" \
                " in /etc/rspamd/override.d".format(domain, " and ".join(sorted(found)) or "nothing",
                                                     " and ".join(sorted(wanted)))
    return ""


def _signatures(host: Host, domain: str) -> Set[str]:
    """Give Rspamd a letter from this host to sign. Returns the selectors of its signatures."""
    letter = "From: postmaster@{0}\r\nTo: postmaster@{0}\r\nSubject: DKIM\r\n\r\n.\r\n".format(domain)
    status, answer = rspamd_controller.scanned(host, letter.encode("ascii"), {"IP": "127.0.0.1"})
    said = rspamd_controller.parsed(answer)
    if status != rspamd_controller.OK:
        raise Problem("its answer is {}".format(said.get("error", status)))
    headers = said.get("dkim-signature", [])
    return {found for header in (headers if isinstance(headers, list) else [headers])
            for found in re.findall(r"[;\s]s=([A-Za-z0-9._-]{1,253});", str(header))}
