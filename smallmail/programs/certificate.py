"""Obtain the certificate when it is due (smallmail-certificate.timer), and use a renewed one (certbot's hook)."""
from typing import List

from smallmail.configuration import dnssec, in_force
from smallmail.machine.host import Busy, Host
from smallmail.programs import resized
from smallmail.tls import obtain


def timer(host: Host, _: List[str]) -> int:
    """Do what is due, and print what is new about it. Returns 0: waiting for DNS is not a unit's failure."""
    try:
        settings = in_force.load_or_last(host)
        before = obtain.attempts(host)
        obtain.follow(host, settings)
        dnssec.follow(host, settings)
        resized.follow(host, settings)
    except Busy:
        return 0    # the timer comes again
    now = obtain.attempts(host)
    for name in ("reason", "waits"):
        if now[name] and now[name] != before[name]:
            print("smallmail: " + now[name])
    return 0


def deploy(host: Host, _: List[str]) -> int:
    """Use the certificate that certbot has just renewed. Returns 1, and prints why, where that is not possible."""
    try:
        reason = obtain.deploy(host, in_force.load_or_last(host))
    except Busy:
        return 0    # the process that holds the lock, or else the timer, does the same
    now = obtain.attempts(host)
    for name in ("reason", "waits"):
        if now[name]:
            print("smallmail: " + now[name])
    return 1 if reason else 0
