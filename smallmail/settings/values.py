"""What a setting can be: each check returns the normal form of a text or raises ValueError with one sentence.

This module is also part of the package's debconf `config` script, where only Python's standard library is at hand.
"""
import posixpath
import re
from typing import Iterable

from smallmail.settings import idn

# RFC 1035 2.3.1 and RFC 1123 2.1: what a label of a host name may be.
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"

# RFC 5321 4.1.2 dot-string, without the characters that mean something to a shell, a path or an old mail router.
_LOCAL_PART = r"[a-z0-9_'&=~+-]+(\.[a-z0-9_'&=~+-]+)*"
_SIZE = r"(\d+)\s*([KMG]?)(I?B)?"
_UNITS = {"": 1, "K": 1024, "M": 1024 ** 2, "G": 1024 ** 3}

# Folders that belong to the system with all that is below them, and folders that are shared by many.
SYSTEM_FOLDERS = ("/bin /boot /dev /etc /lib /lib32 /lib64 /libx32 /lost+found /proc /root /run /sbin /sys /tmp /usr"
                  " /var/backups /var/cache /var/lib /var/lock /var/log /var/run /var/spool /var/tmp").split()
SHARED_FOLDERS = "/ /home /media /mnt /opt /srv /var /var/local /var/mail /var/opt".split()
CERTIFICATES = ("letsencrypt", "files", "self-signed")
CERTIFICATE_KEYS = ("rsa4096", "ecdsa")
ACME_CHALLENGES = ("http", "dns")
_SHORTEST_PASSWORD = 8
_NOT_UTF8 = re.compile("[\ud800-\udfff]")    # what Python makes of such bytes (PEP 383)


def line(text: str) -> str:
    """Check any text on one line. Returns it without blanks around it."""
    text = text.strip()
    if re.search(r"[\x00-\x1f\x7f]", text):
        raise ValueError("it contains a line break or another control character: remove it")
    if _NOT_UTF8.search(text):
        raise ValueError("it contains bytes that are not UTF-8: type it in UTF-8")
    return text


def domain(text: str) -> str:
    """Check a full domain name. Returns it in lower case and as A-labels (RFC 5890)."""
    name = _name(text)
    if "." not in name:
        raise ValueError("'{}' is not a full name: type it with its domain, as in example.org".format(name))
    if name.rpartition(".")[2].isdigit():
        raise ValueError("'{}' is an address, not a name: type a name that exists in DNS".format(name))
    return name


def hostname(text: str) -> str:
    """Check a host's name that other mail servers can find."""
    name = _name(text)
    if "." not in name:
        raise ValueError("'{}' is not a full name: type it with its domain, as in {}.example.org".format(name, name))
    if name == "localhost" or name.endswith((".localhost", ".localdomain")):
        raise ValueError("no other mail server can find '{}': type the name this host has in DNS".format(name))
    return domain(name)


def domains(text: str) -> str:
    """Check one or more mail domains. Returns them separated by single spaces, each once."""
    names = []
    for word in text.replace(",", " ").split():
        name = domain(word)
        if name not in names:
            names.append(name)
    if not names:
        raise ValueError("at least one domain is needed, as in example.org")
    return " ".join(names)


def address(text: str) -> str:
    """Check a mail address. Returns it in lower case."""
    local_part, at, host = line(text).rpartition("@")
    if not at:
        raise ValueError("'{}' is not a mail address: type it with its domain, as in {}@example.org".format(
            host, host or "alice"))
    local_part = local_part.lower()
    if not re.fullmatch(_LOCAL_PART, local_part) or len(local_part) > 64:
        raise ValueError("'{}' is not valid before the @: use up to 64 of a-z, 0-9 and . _ - + ' & = ~ (no dot at the"
                         " start or end, no two in a row)".format(local_part))
    return local_part + "@" + domain(host)


def optional_address(text: str) -> str:
    """Check a mail address, or nothing."""
    return address(text) if text.strip() else ""


def alias_address(text: str) -> str:
    """Check the address of an alias: a mail address, or @domain for a catch-all."""
    if text.startswith("@"):
        return "@" + domain(text[1:])
    return address(text)


def mailbox(text: str) -> str:
    """Check the address of a mailbox: it has no plus, because what follows a plus is a detail (recipient_delimiter)."""
    found = address(text)
    if "+" in found:
        raise ValueError("'{}' contains a plus, and mail for it already goes to the mailbox {}@{}: leave out the plus"
                         .format(found, found.partition("+")[0], found.rpartition("@")[2]))
    return found


def mailbox_in(text: str, names: str) -> str:
    """Check the address of a mailbox in one of these domains."""
    found = mailbox(text)
    if found.rpartition("@")[2] not in names.split():
        raise ValueError("'{}' is not in a domain of this host: choose an address in {}".format(
            found, " or ".join(names.split())))
    return found


def password(text: str) -> str:
    """Check a password that is not empty; the sentence never tells it."""
    if re.search(r"[\x00-\x1f\x7f]", text):
        raise ValueError("the password contains a line break or another control character: remove it")
    if _NOT_UTF8.search(text):
        raise ValueError("the password contains bytes that are not UTF-8: type it in UTF-8")
    if len(text) < _SHORTEST_PASSWORD:
        raise ValueError("the password is too short: use {} characters or more".format(_SHORTEST_PASSWORD))
    return text


def optional_password(text: str) -> str:
    """Check a password, or nothing."""
    return password(text) if text else ""


def certificate(text: str) -> str:
    """Check where the certificate comes from."""
    return _one_of(text, CERTIFICATES)


def certificate_key(text: str) -> str:
    """Check the kind of key that an ACME certificate gets."""
    return _one_of(text, CERTIFICATE_KEYS)


def acme_challenge(text: str) -> str:
    """Check how an ACME server is shown that the name is ours."""
    return _one_of(text, ACME_CHALLENGES)


def acme_server(text: str) -> str:
    """Check the URL of an ACME server's directory (RFC 8555, 7.1.1), or nothing."""
    text = line(text)
    if text and not re.fullmatch(r"https://[^\s/]+/\S*", text):
        raise ValueError("'{}' is not the URL of an ACME server: type all of it, as in"
                         " https://acme.example.org/directory".format(text))
    return text


def path(text: str) -> str:
    """Check an absolute path."""
    text = line(text)
    if not text.startswith("/"):
        raise ValueError("'{}' is not an absolute path: type it starting with /".format(text))
    # Two leading slashes mean something of their own in POSIX, and normpath() keeps them.
    return posixpath.normpath("/" + text.lstrip("/"))


def optional_path(text: str) -> str:
    """Check an absolute path, or nothing."""
    return path(text) if text.strip() else ""


def mail_directory(text: str) -> str:
    """Check a folder that may be used for mail alone."""
    folder = path(text)
    if not re.fullmatch(r"[A-Za-z0-9._/-]+", folder):
        raise ValueError("'{}' contains a character that the daemons do not accept: use letters, digits and . _ -"
                         .format(folder))
    if folder in SHARED_FOLDERS:
        raise ValueError("{} is not for mail alone: choose a folder in it, as in {}/mail".format(
            folder, folder.rstrip("/")))
    for system in SYSTEM_FOLDERS:
        if folder == system or folder.startswith(system + "/"):
            raise ValueError("{} belongs to the system: choose a folder elsewhere, as in /srv/mail".format(system))
    return folder


def resolver(text: str) -> str:
    """Check for `system`, `local`, or the addresses of DNS servers. Returns those separated by single spaces."""
    words = text.replace(",", " ").lower().split()
    if words in (["system"], ["local"]):
        return words[0]
    if not words or not all(is_address(word) for word in words):
        raise ValueError("'{}' must be 'system', 'local', or addresses of DNS servers, as in 192.0.2.53"
                         .format(text.strip()))
    return " ".join(map(_as_address, words))


def networks(text: str) -> str:
    """Check for addresses and networks, or nothing. Returns them in their normal form, separated by single spaces."""
    import ipaddress  # noqa: PLC0415 (as in _as_address)

    found = []
    for word in text.replace(",", " ").split():
        try:
            found.append(str(ipaddress.ip_network(word, strict=False)))
        except ValueError:
            raise ValueError("'{}' is not an address or a network: type it as in 192.0.2.1 or 2001:db8::/64"
                             .format(word))
    return " ".join(found)


def relayhost(text: str) -> str:
    """Check a server as Postfix's relayhost has it (postconf(5)), or nothing."""
    text = line(text).lower()
    if not text:
        return ""
    parts = re.fullmatch(r"(?:\[([^\[\]]+)\]|([^\[\]:]+))(?::(\d{1,5}))?", text)
    if not parts:
        raise ValueError("'{}' is not a relay: type it as [smtp.example.net]:587".format(text))
    bracketed, plain, port = parts.groups()
    host = bracketed or plain
    name = (_as_address(host) if bracketed else "") or _name(host)
    if port and not 0 < int(port) < 65536:
        raise ValueError("{} is not a port: submission uses 587".format(port))
    return ("[" + name + "]" if bracketed else name) + (":" + port if port else "")


def relay_username(text: str) -> str:
    """Check the user name at the relayhost, or nothing."""
    text = line(text)
    # postconf(5), smtp_sasl_password_maps: the table has "username:password", and the first colon separates them.
    if ":" in text:
        raise ValueError("'{}' contains a colon, and Postfix would send what follows it as part of the password: use a"
                         " user name without a colon".format(text))
    return text


def size(text: str) -> str:
    """Check an amount of bytes: a number, with K, M or G for units of 1024."""
    parts = re.fullmatch(_SIZE, text.strip().upper())
    if not parts:
        raise ValueError("'{}' is not a size: type a number with K, M or G, as in 50M".format(text.strip()))
    number, unit, _ = parts.groups()
    return str(int(number)) + (unit if int(number) else "")


def byte_count(text: str) -> int:
    """Return the number of bytes that a size in its normal form means."""
    return int(text.rstrip("KMG")) * _UNITS[text.lstrip("0123456789")]


def yes_no(text: str) -> str:
    """Check for yes or no, in any of the words that people use for them."""
    word = text.strip().lower()
    if word in ("yes", "true", "on", "1"):
        return "yes"
    if word in ("no", "false", "off", "0"):
        return "no"
    raise ValueError("'{}' must be yes or no".format(text.strip()))


def _name(text: str) -> str:
    """Check a name of DNS with any number of labels. Returns it in lower case and as A-labels."""
    given = line(text).rstrip(".")
    if not given:
        raise ValueError("a name is needed, as in mail.example.org")
    is_ascii = all(character < "\x80" for character in given)
    name = given.lower() if is_ascii else idn.encode(given).lower()
    # A letter that is still beyond ASCII waits for python3-idna.
    labels = re.sub(r"[^\x00-\x7f]", "a", name).split(".")
    if len(name) > 253 or not all(re.fullmatch(_LABEL, label) for label in labels):
        raise ValueError("'{}' is not a valid domain name: use letters, digits and hyphens, separated by dots"
                         .format(given.lower()))
    return name


def is_address(text: str) -> bool:
    """Return whether the text is an IP address, and nothing else."""
    return bool(_as_address(text))


def _as_address(text: str) -> str:
    """Return the IP address in its normal form; "" for what is not one."""
    import ipaddress  # noqa: PLC0415 (few settings are addresses)

    try:
        return "" if "%" in text else str(ipaddress.ip_address(text))
    except ValueError:
        return ""


def _one_of(text: str, choices: Iterable[str]) -> str:
    word = text.strip().lower()
    if word not in choices:
        raise ValueError("'{}' must be one of {}".format(word, ", ".join(choices)))
    return word
