"""Encode names with characters beyond ASCII by IDNA 2008 (RFC 5891, with the mapping of UTS 46), as registries do.

Up to 0.6.0 the standard of 2003 was used, which changes ß, ς, ZWJ and ZWNJ into something else or drops them: another
name, which may be another person's. A label in ASCII is taken as it is, also one that begins with xn--.

This module is also part of the package's debconf `config` script, where python3-idna may be missing.
"""
import re
import unicodedata

SETTINGS = ("hostname", "domain", "address", "acme-email", "relayhost", "local-senders")    # those with names in them
_FIRST_VERSION = (0, 7)
# Allowed between some letters only (RFC 5892, appendix A): ZWNJ, ZWJ, middle dot, keraia, geresh, gershayim, nakaguro.
_BETWEEN = "\u200c\u200d\u00b7\u0375\u05f3\u05f4\u30fb"
_NAME = re.compile(r"[^\s,@:\[\]]*[^\x00-\x7f][^\s,@:\[\]]*")


def encode(name: str) -> str:
    """Encode a name. Returns it in ASCII and in lower case. Returns it as it is if python3-idna is not installed yet:
    postinst encodes it. Raises ValueError, with a sentence, if IDNA 2008 does not allow it."""
    try:
        import idna  # noqa: PLC0415 (few names need it)
    except ImportError:
        return name
    try:
        # ẞ is the capital of ß since Unicode 5.1; older tables of UTS 46 map it to ss.
        mapped = idna.uts46_remap(name.replace("\u1e9e", "\u00df"), std3_rules=False, transitional=False)
        return ".".join(label if _is_ascii(label) else idna.alabel(label).decode("ascii")
                        for label in mapped.split("."))
    except idna.IDNABidiError:
        raise ValueError("'{}' mixes letters written from right to left with others in a way that is not allowed in"
                         " domain names (RFC 5893)".format(name))
    except idna.IDNAError as error:
        point = re.search(r"U\+([0-9A-F]{4,6})", str(error))
        if not point:
            raise ValueError("'{}' is not a valid domain name (IDNA 2008)".format(name))
        character = chr(int(point.group(1), 16))
        where = "there" if character in _BETWEEN else "in domain names"
        raise ValueError("'{}' contains {}, which IDNA 2008 does not allow {}: if DNS has this name, type it in the"
                         " form that begins with xn--".format(name, _described(character), where))


def is_former(version: str) -> bool:
    """Return whether that version of smallmail encoded names by the standard of 2003."""
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    return bool(numbers) and numbers < _FIRST_VERSION


def former_names(text: str) -> str:
    """Replace the names in a setting that a former version encoded in another way. Returns the text, in which these
    names are as that version encoded them."""
    return _NAME.sub(lambda match: _former(match.group()), text)


def _former(name: str) -> str:
    try:
        former = name.lower().encode("idna").decode("ascii")
    except UnicodeError:
        return name     # it was not valid then
    try:
        return name if encode(name) == former else former
    except ValueError:
        return former


def _described(character: str) -> str:
    name = unicodedata.name(character, "")
    return "U+{:04X}{}".format(ord(character), " ({})".format(name) if name else "")


def _is_ascii(text: str) -> bool:
    return all(character < "\x80" for character in text)
