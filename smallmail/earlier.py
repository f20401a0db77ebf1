"""What mail configuration an admin made on this host before smallmail came: read, never changed.

What Debian's own packages write is nobody's work. Postfix: every parameter that the postinst of bullseye to forky, or
of stretch, puts into main.cf, and every service of their master.cf.dist. Dovecot: every file that ucf knows with the
very content it has. Rspamd: the folders for an admin's own files are empty. Exim: it delivers locally. This module is
also part of the package's debconf `config` script, where only Python's standard library is at hand.
"""
import hashlib
import json
import os
import re
from collections import OrderedDict
from typing import Dict, Iterator, List, Tuple

from smallmail import ports
from smallmail.tree import logical_lines

# Our drop-in is there from the first apply to the hand-back, see DESIGN: it says that the host is ours.
OUR_MARK = "etc/dovecot/conf.d/05-smallmail.conf"

_TABLE = r"(hash|cdb|lmdb|btree):"

# After a removal: files of ours that were changed by hand, and stayed.
_LEFT_OF_OURS = "var/lib/smallmail/ucf-files"

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

_KINDS = ("files", "parameters", "services")
# Beside local.d and override.d, where upstream has an admin put his own.
ADMINS_OF_RSPAMD = ("rspamd.conf.local", "rspamd.conf.override", "rspamd.local.lua")

# Of many things, so many are named.
_SHOWN = 4

# What ucf and dpkg leave beside a file is no configuration.
_LEFTOVER = re.compile(r"\.(ucf|dpkg)-|~$")


def managed(root: str = "/") -> bool:
    """Whether smallmail's configuration is in force here already."""
    return os.path.exists(os.path.join(root, OUR_MARK))


def foreign(root: str = "/") -> bool:
    """Whether an admin configured mail here and smallmail is not in charge of it."""
    return not managed(root) and bool(found(root))


def found(root: str = "/") -> List[str]:
    """What an admin set up for mail, in words; empty on a host that has only what Debian put there."""
    words, ours = [], _changed_of_ours(root)
    parameters = [name for name in admins_parameters(_text(root, "etc/postfix/main.cf"))
                  if name not in ours["parameters"]]
    if parameters:
        words.append("/etc/postfix/main.cf ({})".format(_counted(parameters, "parameter")))
    services = [name for name in admins_services(_text(root, "etc/postfix/master.cf")) if name not in ours["services"]]
    if services:
        words.append("/etc/postfix/master.cf ({})".format(_counted(services, "service")))
    for folder, paths in (("/etc/dovecot", dovecot(root)), ("/etc/rspamd", rspamd(root))):
        words += _shortened([path for path in paths if path[1:] not in ours["files"]], folder)
    words += ["{} (Exim)".format(path) for path in exim(root)]
    words += ["port {}: {}".format(holder.port, ports.words(holder))
              for holder in ports.taken(root, besides=[ports.EXIM])]
    return words


def _changed_of_ours(root: str) -> Dict[str, Dict[str, object]]:
    """What an admin changed of ours while we were in charge, and what therefore stayed when we handed back: by kind and
    name (handback.py). It is no reason to ask him again."""
    try:
        entries = json.loads(_text(root, "var/lib/smallmail/left.json"))["entries"]
        return {kind: entries[kind] for kind in _KINDS}
    except (ValueError, KeyError, TypeError):
        return {kind: {} for kind in _KINDS}


def admins_parameters(main_cf: str) -> List[str]:
    """The parameters of that main.cf which are not as Debian's packages write them."""
    return list(OrderedDict.fromkeys(name for name, value in _parameters(main_cf)
                                     if not re.fullmatch(_PARAMETERS.get(name, "(?!)"), value)))


def admins_services(master_cf: str) -> List[str]:
    """The services ("name/type") of that master.cf which are not as Debian's packages write them."""
    return ["/".join(entry.split()[:2]) for entry in logical_lines(master_cf) if not _is_of_debian(entry)]


def dovecot(root: str = "/") -> Iterator[str]:
    """The files of Dovecot's configuration that an admin made or changed."""
    known = known_to_ucf(root)
    for folder in ("etc/dovecot", "etc/dovecot/conf.d"):
        for path in _read(root, folder, (".conf", ".ext")):
            text = _text(root, path[1:])
            if known.get(path) != hashlib.md5(text.encode("utf-8", "surrogateescape")).hexdigest() and (
                    path in known or _says_something(text)):
                yield path


def rspamd(root: str = "/") -> Iterator[str]:
    """The files of Rspamd's configuration that an admin made, where upstream has them made."""
    for name in ADMINS_OF_RSPAMD:
        if _says_something(_text(root, "etc/rspamd/" + name)):
            yield "/etc/rspamd/" + name
    for folder in ("etc/rspamd/local.d", "etc/rspamd/override.d"):
        for path in _read(root, folder, (".conf", ".inc")):
            if _says_something(_text(root, path[1:])):
                yield path


def exim(root: str = "/") -> Iterator[str]:
    """The files that let Debian's Exim do more than to deliver locally. They outlive its removal by apt, which comes
    before ours can look: Postfix takes its place."""
    if _says_something(_text(root, "etc/exim4/exim4.conf")):
        yield "/etc/exim4/exim4.conf"
    choices = dict(_choices(_text(root, "etc/exim4/update-exim4.conf.conf")))
    own = {"localhost", _text(root, "etc/mailname").strip(), _text(root, "etc/hostname").strip()}
    names = {name for name in re.split(r"[\s:;]+", choices.get("dc_other_hostnames", "")) if name}
    local = choices.get("dc_eximconfig_configtype", "local") in ("local", "none")
    # "mx.example.org" is the host mx itself.
    if not local or not all(name in own or name.partition(".")[0] in own for name in names):
        yield "/etc/exim4/update-exim4.conf.conf"


def _choices(text: str) -> Iterator[Tuple[str, str]]:
    """The answers to Exim's questions, which are lines for sh."""
    for line in logical_lines(text):
        name, _, value = line.partition("=")
        yield name, value.strip("'\"")


def _counted(names: List[str], word: str) -> str:
    """How many, and the first of them."""
    shown = ", ".join(name.partition("/")[0] for name in names[:_SHOWN])
    more = " and others" if len(names) > _SHOWN else ""
    return "{} {}{}: {}{}".format(len(names), word, "" if len(names) == 1 else "s", shown, more)


def _shortened(paths: List[str], folder: str) -> List[str]:
    """The paths, or the first of many and how many more there are."""
    if len(paths) <= _SHOWN + 1:
        return paths
    return paths[:_SHOWN] + ["{} more files in {}".format(len(paths) - _SHOWN, folder)]


def _parameters(main_cf: str) -> Iterator[Tuple[str, str]]:
    for entry in logical_lines(main_cf):
        name, _, value = entry.partition("=")
        yield name.strip(), " ".join(value.replace(",", " ").split())


def _is_of_debian(entry: str) -> bool:
    words = entry.split()
    options = [word for word, before in zip(words[8:], words[7:]) if before == "-o"]
    return _SERVICES.get(" ".join(words[:2])) == "".join(words[7:8]) and all(
        option.startswith(_OPTIONS_OF_DEBIAN) for option in options)


def _read(root: str, folder: str, endings: Tuple[str, ...]) -> Iterator[str]:
    """The files in that folder which a daemon reads, without what we left there."""
    ours = _text(root, _LEFT_OF_OURS).splitlines()
    for name in sorted(_names(os.path.join(root, folder))):
        path = "/{}/{}".format(folder, name)
        if name.endswith(endings) and not _LEFTOVER.search(name) and path not in ours:
            yield path


def _says_something(text: str) -> bool:
    """Whether there is more in it than comments."""
    return any(True for _ in logical_lines(text))


def known_to_ucf(root: str) -> Dict[str, str]:
    """The content that ucf last installed at each path, as MD5 (ucf(1), /var/lib/ucf/hashfile)."""
    lines = [line.split(None, 1) for line in _text(root, "var/lib/ucf/hashfile").splitlines()]
    return {pair[1]: pair[0] for pair in lines if len(pair) == 2}


def _names(folder: str) -> List[str]:
    return os.listdir(folder) if os.path.isdir(folder) else []


def _text(root: str, path: str) -> str:
    full = os.path.join(root, path)
    if not os.path.isfile(full):
        return ""
    with open(full, encoding="utf-8", errors="surrogateescape", newline="") as stream:
        return stream.read()
