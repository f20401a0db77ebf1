"""What was carried out of larger files: see the names below."""
import re
from collections import OrderedDict
from typing import Iterator, List, Tuple

from smallmail.daemons.main_cf import logical_lines

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


def admins_parameters(main_cf: str) -> List[str]:
    """The parameters of that main.cf which are not as Debian's packages write them."""
    return list(OrderedDict.fromkeys(name for name, value in _parameters(main_cf)
                                     if not re.fullmatch(_PARAMETERS.get(name, "(?!)"), value)))


def admins_services(master_cf: str) -> List[str]:
    """The services ("name/type") of that master.cf which are not as Debian's packages write them."""
    return ["/".join(entry.split()[:2]) for entry in logical_lines(master_cf) if not _is_of_debian(entry)]


def _parameters(main_cf: str) -> Iterator[Tuple[str, str]]:
    for entry in logical_lines(main_cf):
        name, _, value = entry.partition("=")
        yield name.strip(), " ".join(value.replace(",", " ").split())


def _is_of_debian(entry: str) -> bool:
    words = entry.split()
    options = [word for word, before in zip(words[8:], words[7:]) if before == "-o"]
    return _SERVICES.get(" ".join(words[:2])) == "".join(words[7:8]) and all(
        option.startswith(_OPTIONS_OF_DEBIAN) for option in options)
