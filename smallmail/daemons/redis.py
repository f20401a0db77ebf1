"""Redis, or Valkey, as the store in which Rspamd keeps what it has learned: an instance of smallmail's own.

Its configuration is share/redis.conf, the same on every Debian, so there is nothing to render and nothing to judge.
"""
from smallmail.daemons.daemon import UNKNOWN

REDIS = UNKNOWN._replace(
    name="redis",
    unit="smallmail-redis",
    own_unit=True,
    unit_files=("usr/share/smallmail/redis.conf", "usr/lib/smallmail/redis"),
    sources=("redis", "valkey"),
)
