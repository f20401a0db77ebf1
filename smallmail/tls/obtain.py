"""Request the certificate when it is due, and put a new one into use.

smallmail-certificate.timer runs follow() every few minutes, certbot runs deploy() after a renewal (the hook in
/etc/letsencrypt/renewal-hooks/deploy). Maintainer scripts call nothing here: they do not wait for the network.

If state.OBTAIN is lost or damaged, the history of attempts is lost: the next attempt is due at once, the daemons are
compared to the file again, and a certificate that certbot has counts as one that the admin requested.
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

# Let's Encrypt allows five failed attempts for a name in an hour: with these delays there are four.
_FIRST_DELAY = 600
_LONGEST_DELAY = 86400

# An attempt that reached no server counts against no limit.
_UNREACHED_DELAY = 3600

# Seconds that the daemons may take to show a new certificate after their reload.
_RELOADING = 30.0

# `asked`: the settings (certbot.asked()) for which the present certificate was requested, `tried`: those of the last
# attempt. `last`, `next`: times of attempts, `failures`: how many failed since the last success. `reason`: why there is
# no new certificate, or why it is not in use. `waits`: what the new one waits for. `served`: the fingerprint that the
# daemons were last seen to show. `keeps`: whether certbot was told to keep the key.
_EMPTY = OrderedDict([("asked", None), ("tried", None), ("last", None), ("next", None), ("failures", 0),
                      ("reason", ""), ("waits", ""), ("served", ""), ("keeps", False)])  # type: Dict[str, Any]

# certbot renews 30 days before the end. If it was not told to keep the key, smallmail renews a day before that.
_BEFORE_CERTBOT = 31 * 86400


def attempts(host: Host) -> Dict[str, Any]:
    """Load what is known of the attempts so far."""
    known = state_files.load_json(host, state.OBTAIN, _EMPTY)  # type: Dict[str, Any]
    return known


def delay(failures: int, words: str) -> int:
    """Return the seconds until the next attempt, after that many failures and this output of the last one."""
    longest = _UNREACHED_DELAY if certbot.is_unreachable(words) else _LONGEST_DELAY
    if certbot.is_rate_limited(words):
        return _LONGEST_DELAY
    return min(_FIRST_DELAY << min(failures - 1, 20), longest)


def wanted(host: Host, settings: Settings, known: Dict[str, Any]) -> bool:
    """Tell whether to ask certbot: there is no certificate yet, or it was requested for other settings than today's.
    A certificate that the admin requested stays as it is."""
    if settings.certificate != "letsencrypt":
        return False
    asked = known["asked"] or {}
    return not certbot.has_lineage(host, settings) or (
        asked.get("hostname") == settings.hostname and asked != certbot.asked(settings))


def due(settings: Settings, known: Dict[str, Any]) -> float:
    """Return the time of the next attempt, in seconds since 1970; 0 for at once, also after a change of settings."""
    return float(known["next"] or 0) if known["tried"] == certbot.asked(settings) else 0.0


def follow(host: Host, settings: Settings, now: Optional[float] = None) -> str:
    """Ask for a certificate if it is due, and let the daemons use the newest one. Returns what is still to be done and
    why, or ""."""
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
            # certbot should have renewed it long ago; these are the reasons that smallmail can see.
            reason = certbot.obstacle_to_renewal(host, settings) or _not_here_yet(settings)
        return _settle(host, settings, known, reason)


def _would_change_key(host: Host, settings: Settings, known: Dict[str, Any], now: float) -> bool:
    """Tell whether certbot would soon renew with another key: 0.2.0 and before did not tell it to keep the key."""
    return settings.certificate == "letsencrypt" and certificate.source(host) == "letsencrypt" \
        and (known["asked"] or {}).get("hostname") == settings.hostname and not known["keeps"] and not known["waits"] \
        and served.on_disk(host).until < now + _BEFORE_CERTBOT


def obtain(host: Host, settings: Settings, new: bool = False) -> str:
    """Ask for a certificate now, whatever the last attempts came to. `new` replaces one that is still valid, and its
    key. Returns what the new one waits for, or "". Raises Problem with the reason if it failed."""
    if settings.certificate != "letsencrypt":
        raise Problem("certificate is '{}': 'smallmail set certificate=letsencrypt' lets it come from there".format(
            settings.certificate))
    with host.lock(5, state.CERTIFICATE_LOCK):
        known = attempts(host)
        if new and known["waits"]:
            raise Problem("there is a new certificate already: " + known["waits"])
        reason = certbot.obstacle(host, settings)
        if not reason:
            warning = _not_here_yet(settings)
            if warning:
                print(warning)
            reason = _attempt(host, settings, known, time.time(), new)
        known["served"] = ""    # look at the daemons again
        reason = _settle(host, settings, known, reason)
    if reason:
        raise Problem(reason)
    return str(known["waits"])


def deploy(host: Host, settings: Settings) -> str:
    """Let the daemons use a renewed certificate. Returns why they do not, or ""."""
    os.sync()       # certbot does not: after a power cut its links would point to empty files
    if certificate.source(host) != "letsencrypt":
        return ""   # the very first one: the process that asked for it goes on
    known = attempts(host)
    known["reason"] = _serve(host, settings, known)
    _keep(host, known)
    return str(known["reason"])


def _not_here_yet(settings: Settings) -> str:
    return "" if settings.acme_challenge == "dns" else points_here.obstacle(settings.hostname)


def _attempt(host: Host, settings: Settings, known: Dict[str, Any], now: float, new: bool = False) -> str:
    """Ask certbot, and note the result. Returns why it failed, or ""."""
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
        # Otherwise certbot has kept a certificate that the admin requested.
        known.update(asked=asked, keeps="--reuse-key" in command)
    return ""


def _translated(settings: Settings, words: str) -> str:
    if settings.acme_challenge == "dns" or certbot.is_unreachable(words) or addresses.public():
        return ""
    return "; this host is behind NAT: the router must forward port 80 to it"


def _settle(host: Host, settings: Settings, known: Dict[str, Any], reason: str) -> str:
    """Let the daemons use the newest certificate, also if asking for another one failed, and save what is known.
    Returns what is still to be done and why, or ""."""
    try:
        not_served = _serve(host, settings, known)
    except Problem as error:
        not_served = str(error)
    known["reason"] = reason or not_served
    _keep(host, known)
    return str(known["reason"])


def _serve(host: Host, settings: Settings, known: Dict[str, Any]) -> str:
    """Let the daemons use the newest certificate, if its TLSA records allow that. Returns why they do not, or ""."""
    if not state.in_charge(host.root):
        return ""   # smallmail was removed while certbot ran
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
    """Point to the new certificate: every process that starts from now on uses it."""
    # This comes first, so that even after a power cut the record of the old key is not withdrawn too early.
    tlsa.remember(host, settings.hostname, waits="", switched=time.time())
    with host.lock():
        host.point(state.CURRENT, newest)


def _reload(host: Host, settings: Settings, known: Dict[str, Any]) -> str:
    """Reload the daemons if they show another certificate. Returns the ports that still do in a sentence, or ""."""
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
        return "the new certificate is not in use on port {}: type 'systemctl restart postfix dovecot'".format(
            " and ".join(str(port) for port in wrong))
    known["served"] = served.fingerprint(host)
    return ""


def _keep(host: Host, known: Dict[str, Any]) -> None:
    state_files.save_json(host, state.OBTAIN, known)
