"""What mail configuration an admin made on this host before smallmail came: read, never changed.

What Debian's own packages write is nobody's work. Postfix: every parameter that the postinst of bullseye to forky, or
of stretch, puts into main.cf, and every service of their master.cf.dist. Dovecot: every file that ucf knows with the
very content it has. This module is also part of the package's debconf `config` script, where only Python's standard
library is at hand.
"""
import hashlib
import os
import re
from typing import Dict, Iterator, List, Tuple

# Our drop-in is there from the first apply to the hand-back, see DESIGN: it says that the host is ours.
OUR_MARK = "etc/dovecot/conf.d/05-smallmail.conf"

_TABLE = r"(hash|cdb|lmdb|btree):"

# The parameters that Debian's postinst writes, and the values that are Debian's. Those with ".*" are answers to
# Postfix's own questions or made from the host's name.
_PARAMETERS = {
    "alias_database": _TABLE + "/etc/aliases",
    "alias_maps": r"({}/etc/aliases|\$alias_database)( nis:mail\.aliases)?".format(_TABLE),
    "append_dot_mydomain": "no",
    "biff": "no",
    "compatibility_level": r"[\d.]+",
    "cyrus_sasl_config_path": "/etc/postfix/sasl",
    "default_cache_db_type": "lmdb",
    "default_database_type": "cdb",
    "default_transport": "smtp|error",
    "html_directory": ".*",
    "inet_interfaces": ".*",
    "inet_protocols": ".*",
    "mailbox_command": r'(procmail -a "\$EXTENSION")?',
    "mailbox_size_limit": ".*",
    "meta_directory": ".*",
    "mydestination": ".*",
    "mydomain": ".*",
    "myhostname": ".*",
    "mynetworks": ".*",
    "mynetworks_style": "host",
    "myorigin": r"/etc/mailname|\$myhostname",
    "readme_directory": ".*",
    "recipient_delimiter": ".*",
    "relay_transport": "smtp|error",
    "relayhost": ".*",
    "smtp_tls_CAfile": "/etc/ssl/certs/ca-certificates.crt",
    "smtp_tls_CApath": "/etc/ssl/certs",
    "smtp_tls_security_level": "may",
    "smtp_tls_session_cache_database": _TABLE + r"\$\{data_directory\}/smtp_scache",
    "smtpd_banner": r"\$myhostname ESMTP \$mail_name \((Debian/GNU|Debian)\)",
    "smtpd_relay_restrictions": "permit_mynetworks permit_sasl_authenticated defer_unauth_destination",
    "smtpd_tls_cert_file": "/etc/ssl/certs/ssl-cert-snakeoil.pem",
    "smtpd_tls_key_file": "/etc/ssl/private/ssl-cert-snakeoil.key",
    "smtpd_tls_security_level": "may",
    "smtpd_tls_session_cache_database": _TABLE + r"\$\{data_directory\}/smtpd_scache",
    "smtpd_use_tls": "yes",
}

# The commands of master.cf.dist by service and type; the pipe services at its end are examples of Debian's.
_SERVICES = {name.replace("/", " ", 1): command for name, command in (pair.split("=") for pair in """
    smtp/inet=smtpd pickup/unix=pickup pickup/fifo=pickup cleanup/unix=cleanup qmgr/unix=qmgr qmgr/fifo=qmgr
    tlsmgr/unix=tlsmgr rewrite/unix=trivial-rewrite bounce/unix=bounce defer/unix=bounce trace/unix=bounce
    verify/unix=verify flush/unix=flush proxymap/unix=proxymap proxywrite/unix=proxymap smtp/unix=smtp relay/unix=smtp
    showq/unix=showq error/unix=error retry/unix=error discard/unix=discard local/unix=local virtual/unix=virtual
    lmtp/unix=lmtp anvil/unix=anvil scache/unix=scache postlog/unix-dgram=postlogd maildrop/unix=pipe uucp/unix=pipe
    ifmail/unix=pipe bsmtp/unix=pipe scalemail-backend/unix=pipe mailman/unix=pipe
    """.split())}

_OPTIONS_OF_DEBIAN = ("syslog_name=", "smtp_fallback_relay=", "flags=")

# What ucf and dpkg leave beside a file is no configuration.
_LEFTOVER = re.compile(r"\.(ucf|dpkg)-|~$")


def managed(root: str = "/") -> bool:
    """Whether smallmail's configuration is in force here already."""
    return os.path.exists(os.path.join(root, OUR_MARK))


def foreign(root: str = "/") -> bool:
    """Whether an admin configured mail here and smallmail is not in charge of it."""
    return not managed(root) and bool(found(root))


def found(root: str = "/") -> List[str]:
    """The files in which an admin configured mail; empty on a host that has only what Debian put there."""
    paths = []
    if any(not re.fullmatch(_PARAMETERS.get(name, "(?!)"), value)
           for name, value in _parameters(_text(root, "etc/postfix/main.cf"))):
        paths.append("/etc/postfix/main.cf")
    if not all(_is_of_debian(entry) for entry in _logical_lines(_text(root, "etc/postfix/master.cf"))):
        paths.append("/etc/postfix/master.cf")
    return paths + list(_dovecot(root))


def _parameters(main_cf: str) -> Iterator[Tuple[str, str]]:
    for entry in _logical_lines(main_cf):
        name, _, value = entry.partition("=")
        yield name.strip(), " ".join(value.replace(",", " ").split())


def _is_of_debian(entry: str) -> bool:
    words = entry.split()
    options = [word for word, before in zip(words[8:], words[7:]) if before == "-o"]
    return _SERVICES.get(" ".join(words[:2])) == "".join(words[7:8]) and all(
        option.startswith(_OPTIONS_OF_DEBIAN) for option in options)


def _dovecot(root: str) -> Iterator[str]:
    known = known_to_ucf(root)
    for folder in ("etc/dovecot", "etc/dovecot/conf.d"):
        for name in sorted(_names(os.path.join(root, folder))):
            path = "/{}/{}".format(folder, name)
            text = _text(root, path[1:])
            if not name.endswith((".conf", ".ext")) or _LEFTOVER.search(name) or not list(_logical_lines(text)):
                continue
            if known.get(path) != hashlib.md5(text.encode("utf-8", "surrogateescape")).hexdigest():
                yield path


def known_to_ucf(root: str) -> Dict[str, str]:
    """The content that ucf last installed at each path, as MD5 (ucf(1), /var/lib/ucf/hashfile)."""
    lines = [line.split(None, 1) for line in _text(root, "var/lib/ucf/hashfile").splitlines()]
    return {pair[1]: pair[0] for pair in lines if len(pair) == 2}


def _logical_lines(text: str) -> Iterator[str]:
    """Lines without comments and empty ones, continuation lines joined (postconf(5), "General format")."""
    joined = ""
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line[0].isspace():
            joined += " " + line.strip()
            continue
        if joined:
            yield joined
        joined = line.strip()
    if joined:
        yield joined


def _names(folder: str) -> List[str]:
    return os.listdir(folder) if os.path.isdir(folder) else []


def _text(root: str, path: str) -> str:
    full = os.path.join(root, path)
    if not os.path.isfile(full):
        return ""
    with open(full, encoding="utf-8", errors="surrogateescape", newline="") as stream:
        return stream.read()
