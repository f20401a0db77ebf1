"""Limits on what a login may send, the alarm when one is reached, and the letter about a login from a new network.

Postfix asks about each submitted message (check_policy_service, SMTPD_POLICY_README): `run limits` answers, as a user
without rights and without a network. Counting is done here and not by Rspamd's ratelimit, because the answer tells
the user which limit it is and until when, because each mailbox may have limits of its own, and because the postmaster
has to hear of it at once. If the service is away, Postfix accepts the message (default_action=DUNNO): a limit must not
stop mail.

`counting` decides, and is pure. `memory` has what was sent, in SQLite. `policy` reads Postfix's questions and writes
the answers, `service` serves them on a socket. `alarms` puts letters into a folder, from which `run alarms` sends them:
a process of its own, because it needs the network. `configured` is what both read of the settings.

A thief may only read. So `logins` tells the owner of a mailbox of each login from a network that is new to it. Dovecot
reports logins to the daemon of the room bans, which passes the good ones on; `hearing` takes them.
"""
