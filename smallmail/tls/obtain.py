"""The certificate that is asked for when its time has come, and served when it is new: `python3 -m smallmail.acme`.

`timer` is run every few minutes by smallmail-certificate.timer, `deploy` by certbot after a renewal (the hook in
/etc/letsencrypt/renewal-hooks/deploy). No maintainer script comes here: nothing waits for the network.
"""
import os
import time
from collections import OrderedDict
from typing import Any, Dict, Optional

from smallmail.daemons import running, table
from smallmail.errors import Problem
from smallmail.machine import addresses, state, state_files
from smallmail.machine.host import Failed, Host
from smallmail.settings.fields import Settings
from smallmail.tls import certbot, certificate, rollover, served, tlsa
from smallmail.zones import points_here

# Let's Encrypt takes five failed attempts for a name in an hour: these are four in the first.
_FIRST_DELAY = 600
_LONGEST_DELAY = 86400

# An attempt that reached no server was counted nowhere.
_UNREACHED_DELAY = 3600

# How long daemons may take to show a new certificate after their reload, in seconds.
_RELOADING = 30.0

# `asked`: what was asked for when the present one was had, `tried`: at the last attempt. `last` and `next` are of
# attempts, `failures` how many since the last good one, `reason` why there is no new certificate or why it is not
# served, `waits` what the new one waits for, `served` the fingerprint last proven, `keeps` whether certbot was told to
# keep the key.
_EMPTY = OrderedDict([("asked", None), ("tried", None), ("last", None), ("next", None), ("failures", 0),
                      ("reason", ""), ("waits", ""), ("served", ""), ("keeps", False)])  # type: Dict[str, Any]

# certbot renews 30 days before the end. Where it was not told yet that the key stays, we are a day earlier.
_BEFORE_CERTBOT = 31 * 86400


def attempts(host: Host) -> Dict[str, Any]:
    """What is known of attempts so far."""
    known = state_files.load_json(host, state.OBTAIN, _EMPTY)  # type: Dict[str, Any]
    return known


def delay(failures: int, words: str) -> int:
    """Seconds until the next attempt, after so many that failed and what certbot said at the last one."""
    longest = _UNREACHED_DELAY if certbot.is_unreachable(words) else _LONGEST_DELAY
    if certbot.is_rate_limited(words):
        return _LONGEST_DELAY
    return min(_FIRST_DELAY << min(failures - 1, 20), longest)


def wanted(host: Host, settings: Settings, known: Dict[str, Any]) -> bool:
    """Whether certbot is to be asked: there is none yet, or what we asked for then is not what the settings say now.
    One that the admin's own certbot made is left as he made it."""
    if settings.certificate != "letsencrypt":
        return False
    asked = known["asked"] or {}
    return not certbot.has_lineage(host, settings) or (
        asked.get("hostname") == settings.hostname and asked != certbot.asked(settings))


def due(settings: Settings, known: Dict[str, Any]) -> float:
    """When it is asked for next, in seconds since 1970: 0 for at once. Other settings are another chance."""
    return float(known["next"] or 0) if known["tried"] == certbot.asked(settings) else 0.0


def follow(host: Host, settings: Settings, now: Optional[float] = None) -> str:
    """What the timer does: ask for a certificate when that is due, let the daemons serve what is there. Returns why
    something of it is still to be done."""
    with host.lock(0, state.CERTIFICATE_LOCK):
        known, reason = attempts(host), ""
        now = time.time() if now is None else now
        if wanted(host, settings, known) or _would_change_key(host, settings, known, now):
            if due(settings, known) > now:
                reason = known["reason"]
            else:
                reason = certbot.obstacle(host, settings) or _not_here_yet(settings) \
                    or _attempt(host, settings, known, now)
        elif settings.certificate == "letsencrypt" and not known["waits"] \
                and served.on_disk(host).until < now + served.FEW_DAYS * 86400:
            # certbot should have renewed it long ago; these are the reasons that can be seen from here.
            reason = certbot.obstacle(host, settings) or _not_here_yet(settings)
        return _settle(host, settings, known, reason)


def _would_change_key(host: Host, settings: Settings, known: Dict[str, Any], now: float) -> bool:
    """Whether certbot, which had it from us (0.2.0 or before), would soon renew it with another key."""
    return settings.certificate == "letsencrypt" and certificate.source(host) == "letsencrypt" \
        and (known["asked"] or {}).get("hostname") == settings.hostname and not known["keeps"] and not known["waits"] \
        and served.on_disk(host).until < now + _BEFORE_CERTBOT


def obtain(host: Host, settings: Settings, new: bool = False) -> str:
    """Ask now, whatever the last attempts came to; `new` replaces one that is still good, and its key. What the new one
    waits for. Raises Problem with the reason when that went wrong."""
    if settings.certificate != "letsencrypt":
        raise Problem("certificate is '{}': 'smallmail set certificate=letsencrypt' lets it come from there".format(
            settings.certificate))
    with host.lock(5, state.CERTIFICATE_LOCK):
        known = attempts(host)
        if new and known["waits"]:
            raise Problem("a new certificate is there already: " + known["waits"])
        reason = certbot.obstacle(host, settings)
        if not reason:
            warning = _not_here_yet(settings)
            if warning:
                print(warning)
            reason = _attempt(host, settings, known, time.time(), new)
        known["served"] = ""    # to be proven again
        reason = _settle(host, settings, known, reason)
    if reason:
        raise Problem(reason)
    return str(known["waits"])


def deploy(host: Host, settings: Settings) -> str:
    """After a renewal: let both daemons serve it. Returns why they do not."""
    os.sync()       # certbot does not: a power cut would leave links to empty files
    if certificate.source(host) != "letsencrypt":
        return ""   # the very first one: whoever asked for it goes on
    known = attempts(host)
    known["reason"] = _serve(host, settings, known)
    _keep(host, known)
    return str(known["reason"])


def _not_here_yet(settings: Settings) -> str:
    return "" if settings.acme_challenge == "dns" else points_here.obstacle(settings.hostname)


def _attempt(host: Host, settings: Settings, known: Dict[str, Any], now: float, new: bool = False) -> str:
    """Ask certbot, and note how it went; why it failed, if it did."""
    asked, had = certbot.asked(settings), certbot.has_lineage(host, settings)
    another = had and wanted(host, settings, known)
    replace = another or (had and (new or _would_change_key(host, settings, known, now)))
    new_key = new or (another and known["asked"]["certificate-key"] != settings.certificate_key)
    command = certbot.command(host, settings, replace, new_key)
    known.update(last=now, tried=asked, failures=known["failures"] if known["tried"] == asked else 0)
    try:
        host.run(command)
    except Failed as error:
        known["failures"] += 1
        known["next"] = now + delay(known["failures"], str(error))
        return certbot.boiled_down(str(error), settings.hostname) + _translated(settings, str(error))
    os.sync()       # certbot does not
    known.update(failures=0, next=None)
    if replace or not had:
        # Else certbot has kept one that was asked for by somebody else.
        known.update(asked=asked, keeps="--reuse-key" in command)
    return ""


def _translated(settings: Settings, words: str) -> str:
    if settings.acme_challenge == "dns" or certbot.is_unreachable(words) or addresses.public():
        return ""
    return "; this host has no public address of its own (NAT): whatever translates it must pass port 80 on to it"


def _settle(host: Host, settings: Settings, known: Dict[str, Any], reason: str) -> str:
    """Let the daemons serve what is there, whatever became of asking for another; keep what is known. What is still
    to be done, and why."""
    try:
        not_served = _serve(host, settings, known)
    except Problem as error:
        not_served = str(error)
    known["reason"] = reason or not_served
    _keep(host, known)
    return str(known["reason"])


def _serve(host: Host, settings: Settings, known: Dict[str, Any]) -> str:
    """Let the daemons serve the newest certificate, when DNS allows that and they were last seen to serve another."""
    if not state.in_charge(host.root):
        return ""   # removed while certbot was at work: not ours any more
    with host.lock():
        newest = certificate.ensure(host, settings)
    known["waits"] = ""
    if host.link(state.CURRENT) != newest:
        known["waits"] = rollover.obstacle(host, settings, newest)
        if not known["waits"]:
            _switch(host, settings, newest)
    reason = _reload(host, settings, known) if served.fingerprint(host) != known["served"] else ""
    if not reason:
        rollover.clean_up(host, settings)
    return reason


def _switch(host: Host, settings: Settings, newest: str) -> None:
    """From here on every process that starts serves it."""
    # First, so that a power cut lets nobody take the record of the old key back too early.
    tlsa.remember(host, settings.hostname, waits="", switched=time.time())
    with host.lock():
        host.point(state.CURRENT, newest)


def _reload(host: Host, settings: Settings, known: Dict[str, Any]) -> str:
    """Reload where that is needed, and prove that it helped."""
    with host.lock():
        if not served.elsewhere(host, settings.hostname):
            return _proven(host, settings, known)
        for daemon in table.SERVING_CERTIFICATE:
            if running.active(host, daemon):
                running.invoke(host, "reload", daemon)
    return _proven(host, settings, known)


def _proven(host: Host, settings: Settings, known: Dict[str, Any]) -> str:
    wrong = served.elsewhere(host, settings.hostname, _RELOADING)
    if wrong:
        return "the new certificate is not served on port {}: type 'systemctl restart postfix dovecot'".format(
            " and ".join(str(port) for port in wrong))
    known["served"] = served.fingerprint(host)
    return ""


def _keep(host: Host, known: Dict[str, Any]) -> None:
    state_files.save_json(host, state.OBTAIN, known)
