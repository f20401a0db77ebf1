"""What smallmail knows of each daemon: Postfix, Dovecot, Rspamd, Rspamd's Redis, and the limits on what is sent.

Each daemon is one value, a Daemon (daemon.py): its unit, its package, its folders under /etc, how it judges a
configuration, what of that an admin may have made. The value is in the daemon's own module (postfix.py, dovecot.py,
rspamd.py, own.py), together with everything else that is about this daemon only. table.ALL lists the five in the
order in which they start. listening.py has the ports of all of them.

The rooms above read these values and name no daemon: facts.gather() says which versions are installed,
judge.judge() asks a daemon whether it accepts a staged configuration, running.take_effect() reloads or restarts it,
running.answers() asks whether it serves a port. foreign.py describes a mail configuration from before smallmail; it
is also part of debconf's config script, so it and what it imports need only Python's standard library.

    for daemon in table.ALL:
        if running.active(host, daemon):
            running.invoke(host, "reload", daemon)

To add a daemon: write its module with its value, add the value to table.ALL, add its ports to listening.PORTS (if it
has any), and write its templates. tests/unit/daemons/test_table.py then names what the package lacks for it: the
dependency, the trigger, the drop-in for its unit.
"""
