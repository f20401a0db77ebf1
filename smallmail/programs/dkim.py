"""Go on with the rotation of DKIM keys (smallmail-dkim.timer)."""
import contextlib
from typing import List

from smallmail.dkim import former, rotation, signing
from smallmail.machine.host import Busy, Host


def timer(host: Host, _: List[str]) -> int:
    """Do what is due, and print it. Returns 0: waiting for DNS is not a unit's failure."""
    with contextlib.suppress(Busy):
        former.move(host)   # an upgrade may not have come to that yet
        for sentence in [] if rotation.is_idle(host) else rotation.go_on(host).done:
            print("smallmail: " + sentence)
        if signing.is_settled(host):
            former.forget(host)
    return 0
