"""Write what the postmaster, or a mailbox's owner, is told at once. Pure."""
from typing import NamedTuple, Sequence

from smallmail.limits.configured import Configured
from smallmail.limits.counting import Reached
from smallmail.machine import dates

# What each limit counts, and in which time.
LIMITS = {
    "messages_hour": "messages an hour",
    "messages_day": "messages a day",
    "recipients_hour": "recipients an hour",
    "recipients_day": "recipients a day",
    "new_network": "recipients a day from networks that are new to it",
}
# What it has counted.
COUNTED = {
    "messages_hour": "messages in the last hour",
    "messages_day": "messages in the last day",
    "recipients_hour": "recipients in the last hour",
    "recipients_day": "recipients in the last day",
    "new_network": "recipients in the last day, from new networks",
}
# Of a message that is too large.
PERIODS = {"recipients_hour": "in an hour", "recipients_day": "in a day",
           "new_network": "in a day from networks that are new to it"}

Letter = NamedTuple("Letter", [
    ("to", str),
    ("subject", str),
    ("text", str),
    ("is_alarm", bool),     # `notify` tells it, too
])

_REACHED = """\
A mailbox has reached the limit on what it may send:

  mailbox:    {login}
  limit:      {limit} {what}
  accepted:   {used} {counted}
  refused:    a message from {address}, until
              {until}

In the last day its mail came from these addresses:

{addresses}

If this was not the owner, the password is stolen. This stops the login at once:

  smallmail user disable {login}

What it has sent and is still in the queue, held and then deleted:

  smallmail queue hold --from {login}
  smallmail queue drop --from {login}

Afterwards give the mailbox a new password, and open it again:

  smallmail user passwd {login}
  smallmail user enable {login}

If it was the owner, a higher limit is set like this:

  smallmail user limit {login} {name}=NUMBER
"""

_LOGIN = """\
Somebody has sent mail with the password of {login} from an address
in a network that was not used for this before:

  {address}, at {when}

If that was you (you are travelling, or have a new telephone or provider), there
is nothing to do.

If it was not you, somebody else knows your password. Tell {postmaster}
at once, and change the password.
"""


def limit_reached(configured: Configured, login: str, found: Reached, addresses: Sequence[str], address: str,
                  now: float) -> Letter:
    """Write to the postmaster that a login has reached a limit, with the command that stops it."""
    until = "it is sent in parts" if found.until is None else dates.minute(found.until + 60)
    text = _REACHED.format(
        login=login, limit=found.limit, what=LIMITS[found.name], counted=COUNTED[found.name], used=found.used,
        until=until,
        addresses="\n".join("  " + each for each in addresses or ["none"]), address=address or "its Sieve script",
        name=found.name.replace("_", "-"))
    return Letter(configured.postmaster, "{}: {} has reached its sending limit".format(configured.hostname, login),
                  text, True)


def new_login(configured: Configured, login: str, address: str, now: float) -> Letter:
    """Write to a mailbox's owner that somebody has logged in from elsewhere."""
    text = _LOGIN.format(login=login, address=address, when=dates.minute(now), postmaster=configured.postmaster)
    return Letter(login, "New login from {}".format(address), text, False)
