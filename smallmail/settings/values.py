"""What may stand in a setting: each check returns the normal form of a text or raises ValueError with one sentence.

This module is also part of the package's debconf `config` script, where only Python's standard library is at hand.
"""
import ipaddress
import posixpath
import re
from typing import Iterable

# RFC 1035 2.3.1 and RFC 1123 2.1: what a label of a host name may be.
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")

# RFC 5321 4.1.2 dot-string, without the characters that mean something to a shell, a path or an old mail router.
_LOCAL_PART = re.compile(r"[a-z0-9_'&=~+-]+(\.[a-z0-9_'&=~+-]+)*")
_SIZE = re.compile(r"(\d+)\s*([KMG]?)(I?B)?")
_UNITS = {"": 1, "K": 1024, "M": 1024 ** 2, "G": 1024 ** 3}

# Folders that belong to the system with all that is below them, and folders that are shared by many.
SYSTEM_FOLDERS = ("/bin /boot /dev /etc /lib /lib32 /lib64 /libx32 /lost+found /proc /root /run /sbin /sys /tmp /usr"
                  " /var/backups /var/cache /var/lib /var/lock /var/log /var/run /var/spool /var/tmp").split()
SHARED_FOLDERS = "/ /home /media /mnt /opt /srv /var /var/local /var/mail /var/opt".split()
CERTIFICATES = ("letsencrypt", "files", "self-signed")
CERTIFICATE_KEYS = ("rsa4096", "ecdsa")
ACME_CHALLENGES = ("http", "dns")
_SHORTEST_PASSWORD = 8


def line(text: str) -> str:
    """Any text on one line."""
    text = text.strip()
    if re.search(r"[\x00-\x1f\x7f]", text):
        raise ValueError("there is a line break or another control character in it: leave that out")
    return text


def domain(text: str) -> str:
    """A full domain name, in lower case and as A-labels (RFC 5890)."""
    name = _name(text)
    if "." not in name:
        raise ValueError("'{}' is not a full name: type it with its domain, as in example.org".format(name))
    if name.rpartition(".")[2].isdigit():
        raise ValueError("'{}' is an address, not a name: type a name that stands in DNS".format(name))
    return name


def hostname(text: str) -> str:
    """A host's name that other mail servers can find."""
    name = _name(text)
    if "." not in name:
        raise ValueError("'{}' is not a full name: type it with its domain, as in {}.example.org".format(name, name))
    if name == "localhost" or name.endswith((".localhost", ".localdomain")):
        raise ValueError("no other mail server can find '{}': type the name this host has in DNS".format(name))
    return domain(name)


def domains(text: str) -> str:
    """One or more mail domains, separated by single spaces; each once."""
    names = []
    for word in text.replace(",", " ").split():
        name = domain(word)
        if name not in names:
            names.append(name)
    if not names:
        raise ValueError("at least one domain is needed, as in example.org")
    return " ".join(names)


def address(text: str) -> str:
    """A mail address, in lower case."""
    local_part, at, host = line(text).rpartition("@")
    if not at:
        raise ValueError("'{}' is not a mail address: type it with its domain, as in {}@example.org".format(
            host, host or "alice"))
    local_part = local_part.lower()
    if not _LOCAL_PART.fullmatch(local_part) or len(local_part) > 64:
        raise ValueError("'{}' cannot stand before the @: use up to 64 of a-z, 0-9 and . _ - + ' & = ~, with dots only"
                         " between the others".format(local_part))
    return local_part + "@" + domain(host)


def optional_address(text: str) -> str:
    """A mail address, or nothing."""
    return address(text) if text.strip() else ""


def mailbox(text: str) -> str:
    """An address that a mailbox can have: what follows a plus is a detail of the mailbox before it."""
    found = address(text)
    if "+" in found:
        raise ValueError("'{}' has a plus in it, which already leads to the mailbox {}@{}: leave out the plus".format(
            found, found.partition("+")[0], found.rpartition("@")[2]))
    return found


def mailbox_in(text: str, names: str) -> str:
    """A mailbox in one of these domains."""
    found = mailbox(text)
    if found.rpartition("@")[2] not in names.split():
        raise ValueError("'{}' is not in a domain of this host: choose an address in {}".format(
            found, " or ".join(names.split())))
    return found


def password(text: str) -> str:
    """A password that is not empty; the sentence never tells it."""
    if re.search(r"[\x00-\x1f\x7f]", text):
        raise ValueError("the password has a line break or another control character in it: leave that out")
    if len(text) < _SHORTEST_PASSWORD:
        raise ValueError("the password is too short: use {} characters or more".format(_SHORTEST_PASSWORD))
    return text


def optional_password(text: str) -> str:
    """A password, or nothing."""
    return password(text) if text else ""


def certificate(text: str) -> str:
    """Where the certificate comes from."""
    return _one_of(text, CERTIFICATES)


def certificate_key(text: str) -> str:
    """What kind of key an ACME certificate is asked for with."""
    return _one_of(text, CERTIFICATE_KEYS)


def acme_challenge(text: str) -> str:
    """How an ACME server is shown that the name is ours."""
    return _one_of(text, ACME_CHALLENGES)


def acme_server(text: str) -> str:
    """The URL of an ACME server's directory (RFC 8555, 7.1.1), or nothing."""
    text = line(text)
    if text and not re.fullmatch(r"https://[^\s/]+/\S*", text):
        raise ValueError("'{}' is not the URL of an ACME server: type it from https:// on".format(text))
    return text


def path(text: str) -> str:
    """An absolute path."""
    text = line(text)
    if not text.startswith("/"):
        raise ValueError("'{}' is not an absolute path: type it from the first / on".format(text))
    # Two leading slashes mean something of their own in POSIX, and normpath() keeps them.
    return posixpath.normpath("/" + text.lstrip("/"))


def optional_path(text: str) -> str:
    """An absolute path, or nothing."""
    return path(text) if text.strip() else ""


def mail_directory(text: str) -> str:
    """A folder that may be given to mail alone."""
    folder = path(text)
    if not re.fullmatch(r"[A-Za-z0-9._/-]+", folder):
        raise ValueError("'{}' has a character that the daemons' files cannot carry: use letters, digits and . _ -"
                         .format(folder))
    if folder in SHARED_FOLDERS:
        raise ValueError("{} is not for mail alone: name a folder in it, as in {}/mail".format(
            folder, folder.rstrip("/")))
    for system in SYSTEM_FOLDERS:
        if folder == system or folder.startswith(system + "/"):
            raise ValueError("{} belongs to the system: name a folder elsewhere, as in /srv/mail".format(system))
    return folder


def resolver(text: str) -> str:
    """`system`, `local`, or the addresses of DNS servers, separated by single spaces."""
    words = text.replace(",", " ").lower().split()
    if words in (["system"], ["local"]):
        return words[0]
    if not words or not all(is_address(word) for word in words):
        raise ValueError("'{}' is neither 'system' nor 'local' nor addresses of DNS servers, as in 192.0.2.53"
                         .format(text.strip()))
    return " ".join(str(ipaddress.ip_address(word)) for word in words)


def relayhost(text: str) -> str:
    """A server as Postfix's relayhost takes it (postconf(5)), or nothing."""
    text = line(text).lower()
    if not text:
        return ""
    parts = re.fullmatch(r"(?:\[([^\[\]]+)\]|([^\[\]:]+))(?::(\d{1,5}))?", text)
    if not parts:
        raise ValueError("'{}' is not a relay: type it as [smtp.example.net]:587".format(text))
    bracketed, plain, port = parts.groups()
    host = bracketed or plain
    name = str(ipaddress.ip_address(host)) if bracketed and is_address(host) else _name(host)
    if port and not 0 < int(port) < 65536:
        raise ValueError("there is no port {}: submission is on 587".format(port))
    return ("[" + name + "]" if bracketed else name) + (":" + port if port else "")


def size(text: str) -> str:
    """An amount of bytes: a number, with K, M or G for units of 1024."""
    parts = _SIZE.fullmatch(text.strip().upper())
    if not parts:
        raise ValueError("'{}' is not a size: type a number with K, M or G, as in 50M".format(text.strip()))
    number, unit, _ = parts.groups()
    return str(int(number)) + (unit if int(number) else "")


def byte_count(text: str) -> int:
    """The bytes that a size in its normal form stands for."""
    return int(text.rstrip("KMG")) * _UNITS[text.lstrip("0123456789")]


def yes_no(text: str) -> str:
    """`yes` or `no`, from any of the words that people use for them."""
    word = text.strip().lower()
    if word in ("yes", "true", "on", "1"):
        return "yes"
    if word in ("no", "false", "off", "0"):
        return "no"
    raise ValueError("'{}' is neither yes nor no".format(text.strip()))


def _name(text: str) -> str:
    """A name of DNS with any number of labels, in lower case and as A-labels."""
    given = line(text).rstrip(".").lower()
    if not given:
        raise ValueError("a name is needed, as in mail.example.org")
    try:
        name = given.encode("idna").decode("ascii")
    except UnicodeError:
        name = given
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise ValueError("'{}' is not a name that DNS can have: use letters, digits and hyphens, with dots between"
                         .format(given))
    return name


def is_address(text: str) -> bool:
    """Whether that is an address, and nothing else."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def _one_of(text: str, choices: Iterable[str]) -> str:
    word = text.strip().lower()
    if word not in choices:
        raise ValueError("'{}' is not one of {}".format(word, ", ".join(choices)))
    return word
