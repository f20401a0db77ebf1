"""`smallmail dkim`: the keys that sign outgoing mail, listed and rotated."""
import argparse
import json
import time
from collections import OrderedDict
from typing import Any, Dict, List

from smallmail.accounts import domains
from smallmail.commands.arguments.parser import Told
from smallmail.dkim import keys as dkim_keys, rotation, signing
from smallmail.dkim.key_list import NEXT, Key
from smallmail.machine import dates
from smallmail.machine.host import Host
from smallmail.publishing import publish
from smallmail.settings import store
from smallmail.zones import dns_records

# How long name servers may take to tell one another of an update, while somebody waits for it.
_PATIENCE = 60.0
_PAUSE = 2.0


def list_(host: Host, _: argparse.Namespace) -> Told:
    """Return all keys, and how far each is."""
    store.load(host)
    keys, now = dkim_keys.load(host), time.time()
    return _screen(host, keys, now), [_data(key, now) for key in keys], _code(host)


def rotate(host: Host, options: argparse.Namespace) -> int:
    """Begin a rotation, or go on with it at once, and print how far it is. Returns the exit code."""
    store.load(host)
    chosen = domains.chosen(host, options.names)
    said = OrderedDict((name, rotation.begin(host, name, options.new)) for name in chosen)
    progress = rotation.go_on(host, insist=True)
    done, deadline = progress.done, time.monotonic() + _PATIENCE
    while set(progress.spreading) & set(chosen) and time.monotonic() < deadline:
        time.sleep(_PAUSE)
        progress = rotation.go_on(host)
        done += progress.done
    keys, now = [key for key in dkim_keys.load(host) if key.domain in chosen], time.time()
    if options.json:
        print(json.dumps(OrderedDict([("not_begun", OrderedDict((name, why) for name, why in said.items() if why)),
                                      ("done", done), ("keys", [_data(key, now) for key in keys])]), indent=2))
        return _code(host)
    lines = ["{}: {}".format(name, why) for name, why in said.items() if why] + done
    lines += [_screen(host, keys, now)] + _to_set(host, keys)
    print("\n".join(lines))
    return _code(host)


def _code(host: Host) -> int:
    """Return the exit code: 1 if Rspamd does not sign as it should. That keys wait for DNS is not a problem."""
    return 1 if signing.trouble(host) else 0


def _to_set(host: Host, keys: List[Key]) -> List[str]:
    """Return what must be done by hand, as lines."""
    names = [dkim_keys.record_name(key) for key in keys if key.state == NEXT]
    records = [record for mine in dkim_keys.records_by_domain(host, time.time()).values() for record in mine
               if record.name in names and not publish.may_update(host, record.name)]
    if not records:
        return []
    return ["", "Set these records in DNS; the rest goes by itself:", "", dns_records.zone_text(records).rstrip()]


def _screen(host: Host, keys: List[Key], now: float) -> str:
    lines = []
    for domain in sorted({key.domain for key in keys}):
        lines.append(domain)
        for key in keys:
            if key.domain == domain:
                lines.append("  {:<22}  {:<7}  {:>4} days  {}".format(
                    key.selector, key.kind, int((now - key.made) // 86400), rotation.stage(key, now)))
    wrong = signing.trouble(host)
    return "\n".join(lines + (["Problem: " + wrong] if wrong else []))


def _data(key: Key, now: float) -> Dict[str, Any]:
    ends = dkim_keys.ends(key)
    return OrderedDict([
        ("domain", key.domain), ("selector", key.selector), ("kind", key.kind), ("state", key.state),
        ("made", dates.day(key.made)), ("days", int((now - key.made) // 86400)), ("waiting", key.waiting),
        ("delete", dates.day(ends) if ends else ""), ("name", dkim_keys.record_name(key)),
        ("value", dkim_keys.record_value(key))])
