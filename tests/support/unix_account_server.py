"""A mail server that an admin has configured by hand for years, with mailboxes of UNIX accounts.

Postfix with odd but valid white space, values over several lines and services of its own, Dovecot with a greeting,
Rspamd with files whose names smallmail uses too. Carol is the admin.
"""

from __future__ import annotations

from tests.lab.chroot import Host

CAROL, CAROLS_PASSWORD = "carol", "long ago and far away"
GREETING, BANNER = "Old server ready.", "the old hub"
TAKE_OVER = {"take-over": "true"}

# As years and several hands leave it: comments, values over several lines with a comment among them, one that stands
# twice, white space of all kinds, no end of line at the end.
_MAIN = """\
# The old hub.   Ask Carol before you change anything here!
myhostname = hub.example.org
smtpd_banner =   $myhostname ESMTP the old hub\t
compatibility_level=3.6
myorigin = /etc/mailname

mydestination = hub.example.org,
    # the next one is Carol's
    old.example.org
\tlocalhost
mynetworks=127.0.0.0/8
   [::1]/128
#message_size_limit = 5
message_size_limit = 1000000
biff   =    no
message_size_limit\t=2000000
smtpd_recipient_restrictions = permit_mynetworks,

   reject_unauth_destination
virtual_alias_domains = sales.example.org
virtual_alias_maps = texthash:/etc/postfix/virtual
alias_maps = texthash:/etc/aliases
mailbox_command =
inet_protocols = all
inet_interfaces = all
smtpd_tls_cert_file=/etc/ssl/certs/ssl-cert-snakeoil.pem
smtpd_tls_key_file=/etc/ssl/private/ssl-cert-snakeoil.key
   # The end."""

_MASTER = """
submission inet n       -       y       -       -       smtpd
  -o syslog_name=postfix/submission
# for Carol's telephone
  -o smtpd_tls_security_level=may
  -o { smtpd_client_restrictions = permit_mynetworks,
       reject }
  -o smtpd_recipient_restrictions=
slow      unix  -       -       y       -       1       smtp
    -o syslog_name=postfix/slow -o smtp_destination_concurrency_limit=1
"""

_OWN = """
    printf '\\n# Carol: mbox, as ever\\n' >>/etc/dovecot/conf.d/10-mail.conf
    chmod 600 /etc/dovecot/conf.d/10-mail.conf; chgrp staff /etc/dovecot/conf.d
    chown root:mail /etc/mailname; chown carol:postfix /etc/postfix/main.cf; chown 4711:4712 /etc/postfix/virtual
    chmod 2775 /etc/rspamd/local.d; adduser --quiet _rspamd postfix
    mkdir /etc/carol; mv /etc/postfix/main.cf /etc/mailname /etc/rspamd/local.d/milter_headers.conf /etc/carol
    ln -s ../carol/main.cf /etc/postfix/main.cf; ln -s /etc/carol/mailname /etc/mailname
    ln -s /etc/carol/milter_headers.conf /etc/rspamd/local.d
"""

# Of the names that we write too, and one that we do not.
_RSPAMD = {
    "actions.conf": "# Carol gets too much.\nreject = 12;\nadd_header = 5;\ngreylist = null;\n",
    "milter_headers.conf": 'use = ["x-spamd-bar"];\n',
    "multimap.conf": "# nothing yet\n",
}


def configure_by_hand(host: Host) -> None:
    """Configure all daemons as an admin would: neither as Debian ships them, nor as smallmail wants them."""
    host.run(f"useradd -m -s /bin/sh -G mail {CAROL}; chpasswd", input=f"{CAROL}:{CAROLS_PASSWORD}\n")
    host.write("/etc/postfix/main.cf", _MAIN, 0o640)
    host.write("/etc/postfix/virtual", f"info@sales.example.org {CAROL}\n", 0o600)
    host.write("/etc/postfix/master.cf", host.read("/usr/share/postfix/master.cf.dist") + _MASTER, 0o664)
    host.write("/etc/mailname", "old.example.org", 0o640)
    host.write("/etc/aliases", f"postmaster: root\nroot: {CAROL}\n")
    host.write("/etc/dovecot/conf.d/99-carol.conf", f"login_greeting = {GREETING}\n", 0o444)
    for name, content in _RSPAMD.items():
        host.write("/etc/rspamd/local.d/" + name, content, 0o604)
    host.run(_OWN)
    for judge in ("postfix check", "doveconf -n >/dev/null", "rspamadm configtest"):
        host.run(judge)
