"""Postfix: what smallmail knows of it, and what of main.cf and master.cf an admin set.

Both files are shared line by line with Debian's package, postconf(1) and the admin. So Postfix has no files that are
an admin's as a whole: admins_parameters() and admins_services() tell which lines are.
"""
import re
from collections import OrderedDict
from typing import Iterator, List, Tuple

from smallmail.daemons import listening
from smallmail.daemons.daemon import UNKNOWN
from smallmail.daemons.main_cf import logical_lines
from smallmail.machine.host import Failed, Host

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


# Services of master(5) that only carry mail out of the host: an address to bind to is the admin's business.
CLIENTS = ("smtp/unix", "relay/unix")

# Parameters that describe the machine, its network and its limits, or how Postfix is a client of others: they do not
# act against our configuration …
_HARMLESS = re.compile(
    r"(smtp|debug|syslog|maillog|postscreen|tls|inet|multi_instance)_.*|proxy_interfaces|alias_database"
    r"|.*_(directory|bind_address6?|timeout|interval|lifetime|time|delay|limit|size|path|loglevel|owner|group|privs)")

# … except for these.
_HARMFUL = re.compile(
    r"smtp_(.*header_checks|body_checks|generic_maps|fallback_relay|.*_filter)|tls_server_sni_maps")

# The names and numbers by which master(5) may call a port of ours.
_OWN_PORTS = {word for port in listening.of("postfix") for word in (str(port.number),) + port.names}


def admins_parameters(main_cf: str) -> List[str]:
    """Return the parameters of that main.cf which are not as Debian's packages write them."""
    return list(OrderedDict.fromkeys(name for name, value in _parameters(main_cf)
                                     if not re.fullmatch(_PARAMETERS.get(name, "(?!)"), value)))


def admins_services(master_cf: str) -> List[str]:
    """Return the services ("name/type") of that master.cf which are not as Debian's packages write them."""
    return ["/".join(entry.split()[:2]) for entry in logical_lines(master_cf) if not _is_of_debian(entry)]


def parameter_acts_against(name: str) -> bool:
    """Tell whether a value that an admin gave to that parameter acts against our configuration."""
    return not _HARMLESS.fullmatch(name) or bool(_HARMFUL.fullmatch(name))


def is_on_own_port(service: str) -> bool:
    """Tell whether a service ("address:port/inet") listens on a port of ours."""
    address, _, kind = service.rpartition("/")
    return kind == "inet" and address.rpartition(":")[2] in _OWN_PORTS


def _parameters(main_cf: str) -> Iterator[Tuple[str, str]]:
    for entry in logical_lines(main_cf):
        name, _, value = entry.partition("=")
        yield name.strip(), " ".join(value.replace(",", " ").split())


def _is_of_debian(entry: str) -> bool:
    words = entry.split()
    options = [word for word, before in zip(words[8:], words[7:]) if before == "-o"]
    return _SERVICES.get(" ".join(words[:2])) == "".join(words[7:8]) and all(
        option.startswith(_OPTIONS_OF_DEBIAN) for option in options)


def _judge(stage: Host) -> None:
    """Run postfix(1) check on the staged folder."""
    if stage.exists("etc/mailname"):
        # main.cf names it by its full path, where it may not exist yet.
        stage.run(["postconf", "-c", stage.path("etc/postfix"), "-e", "myorigin=" + stage.path("etc/mailname")])
    command = ["postfix", "-c", stage.path("etc/postfix"), "check"]
    try:
        stage.run(command)
    except Failed as error:
        # Some versions print the error only on a terminal, and log it otherwise. script(1) is a terminal, and part of
        # every Debian.
        message = str(error).partition("failed: ")[2]
        if message.isdigit():
            message = _run_on_terminal(stage, command)
        raise Failed("'postfix check' failed: {}".format(message))


def _run_on_terminal(stage: Host, command: List[str]) -> str:
    """Return what a command that fails prints on a terminal."""
    try:
        return stage.run(["script", "-qec", " ".join(command), "/dev/null"])
    except Failed as error:
        return str(error).partition("failed: ")[2].replace("\r", "")


POSTFIX = UNKNOWN._replace(
    name="postfix",
    unit="postfix",
    package="postfix",
    sources=("postfix",),
    ports=listening.of("postfix"),
    programs=("/usr/lib/postfix/",),
    folders=("etc/postfix",),
    other_files=("etc/mailname",),
    permissions={"etc/postfix/smallmail/relay-password": (0o600, "root", "root")},
    judge=_judge,
    # postconf(5): after a change of these Postfix must be stopped and started.
    restart_for=("inet_interfaces", "inet_protocols"),
    admins_folders=("etc/smallmail/local/postfix", "etc/postfix"),
)
