"""A mail server with virtual mailboxes that an admin has built by hand, as the guide of 2018 says.

Postfix, Dovecot for mailboxes in /srv/mail, Rspamd as a milter, submission on 465. Much of its configuration would lose
or leak mail if smallmail's were added to it.
"""

from __future__ import annotations

from tests.lab import Machine, World, packages
from tests.lab.clients import Server
from tests.lab.errors import until
from tests.support import imap, letters
from tests.support.mail_host import ADDRESS, ALICE, BOB, NAME

OWN_PASSWORD = "the own password of alice"
FOLDERS = "/etc/postfix /etc/dovecot /etc/rspamd /etc/mailname /etc/aliases /srv/mail"

_USERS = "alice@example.org:{PLAIN}" + OWN_PASSWORD + "::::::\n"

_DOVECOT = {
    "bookworm": """
mail_location = maildir:/srv/mail/%d/%n
passdb {
  driver = passwd-file
  args = username_format=%u /etc/dovecot/users
}
userdb {
  driver = static
  args = uid=vmail gid=vmail home=/srv/mail/%d/%n
}
""",
    "trixie": """
mail_driver = maildir
mail_path = /srv/mail/%{user|domain}/%{user|username}
mail_inbox_path = .
passdb passwd-file {
  passwd_file_path = /etc/dovecot/users
  auth_username_format = %{user}
}
userdb static {
  fields {
    uid = vmail
    gid = vmail
    home = /srv/mail/%{user|domain}/%{user|username}
  }
}
""",
}

_LAST = """
first_valid_uid = 100
auth_username_format = {user}
protocol lmtp {{
  auth_username_format = {user}
}}
service lmtp {{
  unix_listener /var/spool/postfix/private/own-lmtp {{
    user = postfix
    group = postfix
    mode = 0600
  }}
}}
service auth {{
  unix_listener /var/spool/postfix/private/auth {{
    user = postfix
    group = postfix
    mode = 0660
  }}
}}
"""
_USER = {"bookworm": "%Lu", "trixie": "%{user|lower}"}

_MAIN = r"""
myhostname = mx.example.org
mydestination = localhost
virtual_mailbox_domains = example.org
virtual_mailbox_maps = hash:/etc/postfix/vmailbox
virtual_transport = lmtp:unix:private/own-lmtp
smtpd_milters = inet:127.0.0.1:11332
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/auth
smtpd_recipient_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination
# What follows works here, and would lose or leak mail beside another configuration.
transport_maps = regexp:/etc/postfix/transport
header_checks = regexp:/etc/postfix/headers
recipient_bcc_maps = regexp:/etc/postfix/bcc
receive_override_options = no_address_mappings
proxy_read_maps = proxy:unix:passwd.byname
smtpd_sasl_local_domain = example.com
smtpd_tls_chain_files = /etc/ssl/private/ssl-cert-snakeoil.key, /etc/ssl/certs/ssl-cert-snakeoil.pem
smtp_helo_name = mx.example.org
"""

_MASTER = """
submissions inet n - y - - smtpd
  -o smtpd_tls_wrappermode=yes
  -o smtpd_sasl_auth_enable=yes
  -o syslog_name=postfix/own
127.0.0.1:587 inet n - y - - smtpd
127.0.0.1:10025 inet n - y - - smtpd
  -o smtpd_milters=
"""

_FILES = {
    "/etc/postfix/vmailbox": "alice@example.org x\n",
    "/etc/postfix/transport": r"/^bob@example\.net$/ discard:" "\n",
    "/etc/postfix/headers": "/^Subject: after/ DISCARD\n",
    "/etc/postfix/bcc": "/^.*@example.org$/ spy@example.net\n",
    "/etc/dovecot/users": _USERS,
    "/etc/rspamd/local.d/options.inc": 'dns { nameserver = ["203.0.113.53"]; }\n',
    "/etc/rspamd/local.d/multimap.conf": '# lists of this host\nOWN { type = "from"; map = "/etc/rspamd/own.map"; }\n',
    "/etc/rspamd/own.map": "boss@example.com\n",
    "/etc/rspamd/override.d/worker-proxy.inc": 'bind_socket = "127.0.0.1:11332";\n',
}


def build(machine: Machine, suite: str) -> None:
    """Build it on a machine, and wait until it serves."""
    # With all that smallmail-server will want, so that later its configuration is all that could change something.
    packages.install(machine, "smallmail-server")
    machine.run("apt-get -y purge smallmail-server")
    machine.run("adduser --quiet --system --group --no-create-home --home /srv/mail vmail;"
                " install -d -o vmail -g vmail -m 0750 /srv/mail")
    for path, text in _FILES.items():
        machine.write(path, text)
    machine.run("chmod 0640 /etc/dovecot/users; chgrp dovecot /etc/dovecot/users; postmap /etc/postfix/vmailbox")
    machine.run("sed -i '/^mydestination/d; /^myhostname/d' /etc/postfix/main.cf")
    for path, text in (("/etc/postfix/main.cf", _MAIN), ("/etc/postfix/master.cf", _MASTER)):
        machine.run("cat >>" + path, input=text)
    machine.run("sed -i 's/^!include auth-system/#&/' /etc/dovecot/conf.d/10-auth.conf")
    machine.write("/etc/dovecot/conf.d/99-own.conf", _DOVECOT[suite])
    machine.write("/etc/dovecot/local.conf", _LAST.format(user=_USER[suite]))
    machine.run("systemctl restart rspamd dovecot postfix")
    wait_until_serving(machine)


def wait_until_serving(machine: Machine) -> None:
    for port in (25, 465, 993, 11332):
        machine.wait_port(port)


def may_login(world: World, password: str) -> bool:
    try:
        world.client.imap(Server(NAME, ADDRESS), ALICE, password).logout()
    except Exception as error:
        assert "AUTHENTICATIONFAILED" in str(error), error
        return False
    return True


def subjects(world: World) -> list[str]:
    """Return the subjects in alice's own mailbox."""
    connection = world.client.imap(Server(NAME, ADDRESS), ALICE, OWN_PASSWORD)
    found = imap.fetch(connection, "INBOX", "(BODY.PEEK[HEADER])")
    connection.logout()
    return [letters.parsed(raw)["Subject"] for raw in found]


def assert_receives(machine: Machine, world: World, subject: str) -> None:
    """Send a letter from outside. It must arrive in alice's own mailbox."""
    reply = world.send(BOB, ALICE, letters.plain(BOB, ALICE, subject), to=machine)
    assert reply.code == 250, reply
    until(lambda: subject in subjects(world), subject, 60, machine.journal)


def fingerprint(machine: Machine) -> str:
    """Read its configuration and its mail: content, owner and mode of every file."""
    return machine.run(f"find {FOLDERS} -printf '%p %m %u %g %l\\n' | sort;"
                       f" find {FOLDERS} -type f -exec sha256sum {{}} + | sort").stdout


def processes(machine: Machine) -> str:
    return machine.run("systemctl show -p MainPID -p StateChangeTimestampMonotonic postfix postfix@- dovecot rspamd"
                       ).stdout


