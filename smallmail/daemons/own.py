"""The daemons that smallmail brings: there is nothing to render for them and nothing to judge.

Redis, or Valkey, is the store in which Rspamd keeps what it has learned: an instance of smallmail's own, whose
configuration is share/redis.conf, the same on every Debian. `limits` is the service that Postfix asks about each
message that a user sends (smallmail/limits); it reads the settings anew by itself.
"""
from smallmail.daemons.daemon import UNKNOWN
from smallmail.machine import state

REDIS = UNKNOWN._replace(
    name="redis",
    unit="smallmail-redis",
    own_unit=True,
    unit_files=("usr/share/smallmail/redis.conf", "usr/lib/smallmail/redis"),
    sources=("redis", "valkey"),
)

LIMITS = UNKNOWN._replace(
    name="limits",
    unit="smallmail-limits",
    own_unit=True,
    sockets={"its socket for Postfix": state.LIMITS_SOCKET},
)
