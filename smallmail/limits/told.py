"""Write what the postmaster, or a mailbox's owner, is told at once. Pure."""
from typing import NamedTuple, Sequence

from smallmail.bans.reports import Login
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

_LOGINS = """\
Somebody has logged in to the mailbox {login} with its password,
from a network that was not used for it in the last 60 days:

{logins}

If that was you (you are travelling, or have a new telephone or provider), there
is nothing to do.

If it was not you, somebody else knows your password, can read your mail, and
can write mail in your name. Do this at once:

1. Tell the person who runs this mail server ({postmaster}). Use
   the telephone if you can, because the stranger may read your mail. The first
   of these commands keeps everybody out of your mailbox, the others give it a
   new password and open it again:

     smallmail user disable {login}
     smallmail user passwd {login}
     smallmail user enable {login}

2. If you have the same password elsewhere, change it there, too.
"""

# What a login by each of Dovecot's protocols is for.
_USES = {"imap": "to read mail (IMAP)", "pop3": "to read mail (POP3)", "smtp": "to send mail (SMTP)",
         "submission": "to send mail (SMTP)", "sieve": "to change mail filters (ManageSieve)"}
# So many logins are in a letter; of a storm, the number is enough.
_LISTED = 20


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


def new_logins(configured: Configured, login: str, logins: Sequence[Login]) -> Letter:
    """Write to a mailbox's owner that somebody has logged in from elsewhere."""
    lines = ["  {}  {}, {}".format(dates.minute(each.at), each.address, _USES.get(each.protocol, "to use it"))
             for each in logins[:_LISTED]]
    more = ["  and from {} more networks".format(len(logins) - _LISTED)] if len(logins) > _LISTED else []
    text = _LOGINS.format(login=login, logins="\n".join(lines + more), postmaster=configured.postmaster)
    subject = ("New login from {}".format(logins[0].address) if len(logins) == 1
               else "New logins from {} networks".format(len(logins)))
    return Letter(login, subject, text, False)
