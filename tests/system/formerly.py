"""Hosts on which somebody was before us: with the daemons as Debian makes them, and as an admin has had them for years;
and what can be told of a host afterwards."""
import functools
import re
import shutil

from tests.lab import roots
from tests.lab.chroot import Chroot
from tests.lab.installed import dependencies
from tests.lab.session import current

CAROL, CAROLS_PASSWORD = "carol", "long ago and far away"
GREETING, BANNER = "Old server ready.", "the old hub"
TAKE_OVER = {"take-over": "true"}

# Left out: what the lab put there, what was downloaded, logs, and the versions before the last that debconf, dpkg, ucf
# and the account tools keep of their own files.
_NAMES = ("find / -xdev \\( -path /srv/repo -o -path /proc -o -path /sys -o -path /var/cache/apt -o -path /var/lib/apt"
          "  -o -path /var/log \\) -prune -o -name '*smallmail*'"
          "  ! -name 'smallmail-server_*.deb' ! -name smallmail-lab.list -print;")
_CONTENTS = ("grep -rIl --exclude='*-' --exclude='*-old' --exclude='registry.[0-9]' --exclude='hashfile.[0-9]'"
             "  --exclude-dir=streams"    # the journal's list of who writes into it: it forgets late
             "  --exclude=smallmail-lab.list smallmail /etc /run /var/cache/debconf /var/lib/dovecot /var/lib/dpkg"
             "  /var/lib/postfix /var/lib/redis /var/lib/rspamd /var/lib/systemd /var/lib/ucf /var/spool;")
_LINKS = "find /etc/systemd /run/systemd/system /run/systemd/transient /var/lib/systemd -xtype l; true"

# What is nobody's configuration: the account tools keep the version before the last of each of their files as "name-",
# and a lock; the linker's cache is made anew by every installation.
NOISE = re.compile(r"/etc/((passwd|group|shadow|gshadow|subuid|subgid)-|\.pwd\.lock|ld\.so\.cache)$")

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


def minimal(suite, package, deb):
    """A minimal Debian with everything at hand that apt needs for our .deb; the package lies in /srv."""
    made = Chroot(roots.warm(suite, deb), f"{suite}-minimal", network=True)
    made.write("/srv/" + package.name, package.read_bytes())
    return made


@functools.cache
def stock(suite, deb):
    """Layers: what the package depends on and recommends is installed and as Debian makes it; the package lies in
    /srv."""
    layer = current().folder / f"{suite}-stock"
    (layer / "srv").mkdir(parents=True)
    shutil.copy(deb, layer / "srv")
    return [layer, *dependencies(suite, deb)]


def live_in(host):
    """An admin has been at home here: nothing is as it came, nor is it as we would have it."""
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


def fingerprint(host, *folders):
    """All names below the folders (/etc, if none are named), each with what can be told of it."""
    below, told = " ".join(folders or ("/etc",)), {}
    command = (f"find {below} -xdev -printf '%p\\t%y %m %u %g %l\\n'; "
               f"find {below} -xdev -type f -exec sha256sum {{}} + | sed -E 's/^([0-9a-f]+)  (.*)$/\\2\\t\\1/'")
    for line in host.run(command).stdout.splitlines():
        path, _, fact = line.partition("\t")
        if not NOISE.search(path):
            told.setdefault(path, []).append(fact)
    return told


def differences(before, after):
    """The paths of which something else is told now, with both facts."""
    return {path: (before.get(path), after.get(path)) for path in sorted(set(before) | set(after))
            if before.get(path) != after.get(path)}


def traces(host):
    """Where something of ours is left: names, contents of the system's own state, dangling links of units."""
    return host.run(_NAMES + _CONTENTS + _LINKS).stdout.splitlines()
