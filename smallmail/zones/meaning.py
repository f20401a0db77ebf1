"""Interpret the values of some records: DKIM keys (RFC 6376, 3.6.1), DMARC policies (RFC 7489, 6.3), TLSA. Pure."""
import base64
import binascii
import hashlib
import re
from collections import OrderedDict
from typing import Dict, Iterable, List, Tuple

# The bytes before an RSA key in its SubjectPublicKeyInfo, which a few key makers leave out.
_LONGEST_HEAD = 24


def tags(text: str) -> Dict[str, str]:
    """Parse a tag list: tag=value; …, white space around both. Returns the tags. Raises ValueError, in words."""
    found = OrderedDict()   # type: Dict[str, str]
    if re.search(r'["\\]', text):
        raise ValueError("it contains quotes or backslashes, which the form of your DNS host does not want")
    for part in text.split(";"):
        if not part.strip():
            continue
        name, equals, value = part.partition("=")
        if not equals or not re.match(r"\s*[A-Za-z][A-Za-z0-9_]*\s*$", name):
            raise ValueError("'{}' is not of the form tag=value".format(part.strip()))
        if name.strip() in found:
            raise ValueError("{}= appears twice".format(name.strip()))
        found[name.strip()] = value.strip()
    return found


def dkim_trouble(texts: List[str], wanted: str) -> str:
    """Compare the TXT values of a name with the record wanted there. Returns why they do not publish its key; empty
    when they do."""
    keys = [text for text in texts if "p=" in text.replace(" ", "")]
    if not keys:
        return "there is no DKIM key" if not texts else "the TXT record is not a DKIM key"
    if len(keys) > 1:
        return "there are {} keys under one name".format(len(keys))
    try:
        found, mine = tags(keys[0]), tags(wanted)
    except ValueError as error:
        return "the record cannot be read: {}".format(error)
    if "v" in found and (found["v"] != "DKIM1" or next(iter(found)) != "v"):
        return "the record does not begin with v=DKIM1"
    if not found.get("p"):
        return "the key is revoked (p= is empty)"
    return _limited(found) or _other_key(found, mine)


def _limited(found: Dict[str, str]) -> str:
    hashes, services = (re.split(r"\s*:\s*", found.get(tag, "")) for tag in "hs")
    if found.get("h") and "sha256" not in hashes:
        return "h={} forbids SHA-256, which the signatures use".format(found["h"])
    if found.get("s") and not {"*", "email"} & set(services):
        return "s={} forbids mail".format(found["s"])
    return ""


def _other_key(found: Dict[str, str], mine: Dict[str, str]) -> str:
    kind = found.get("k", "rsa")
    if kind != mine.get("k", "rsa"):
        return "k={} is published, but the key here is {}".format(kind, mine.get("k", "rsa"))
    try:
        there, here = _key(found["p"]), _key(mine["p"])
    except (binascii.Error, ValueError):
        return "p= is not Base64 (was it cut off when it was pasted?)"
    if there == here or (kind == "rsa" and here.endswith(there) and 0 < len(here) - len(there) <= _LONGEST_HEAD):
        return ""
    if kind == "ed25519" and there.endswith(here):
        return "p= has {} bytes, but only the last 32 belong there (RFC 8463, 4.2)".format(len(there))
    if here.startswith(there) or here.endswith(there):
        return "the key is cut off: {} of its {} bytes are there".format(len(there), len(here))
    return "the published key is not the one that signs here"


def _key(text: str) -> bytes:
    return base64.b64decode("".join(text.split()), validate=True)


def is_testing(texts: List[str]) -> bool:
    """Return whether a key says that receivers must not rely on it yet."""
    return any(re.search(r";\s*t\s*=[^;]*\by\b", text) for text in texts)


def dmarc_records(texts: List[str]) -> List[str]:
    """Select the TXT values that are DMARC records. Returns them."""
    return [text for text in texts if re.match(r"v\s*=\s*DMARC1\s*(;|$)", text)]


def dmarc_trouble(texts: List[str]) -> str:
    """Judge the DMARC records of a name. Returns what is wrong with them; empty when nothing is."""
    if not texts:
        return "there is no DMARC record"
    if len(texts) > 1:
        return "there are {} DMARC records, so none of them counts".format(len(texts))
    try:
        return _bad_policy(tags(texts[0]))
    except ValueError as error:
        return "the record cannot be read: {}".format(error)


def _bad_policy(found: Dict[str, str]) -> str:
    for tag, allowed in (("p", "none|quarantine|reject"), ("sp", "none|quarantine|reject"), ("adkim", "[rs]"),
                         ("aspf", "[rs]"), ("pct", r"\d\d?|100")):
        if tag in found and not re.match("({})$".format(allowed), found[tag], re.IGNORECASE):
            return "{}={} is not a valid value".format(tag, found[tag])
    if "p" not in found:
        return "it has no policy (p=)"
    for uri in found.get("rua", "").split(","):
        if uri.strip() and not re.match(r"(mailto:[^@\s]+@[^@\s]+|https?://\S+)$", uri.strip(), re.IGNORECASE):
            return "rua={} is not an address: it must begin with mailto:".format(uri.strip())
    return ""


def report_domains(texts: List[str]) -> List[str]:
    """Return the domains to which DMARC reports are sent."""
    return [domain.lower() for text in texts
            for domain in re.findall(r"mailto:[^@,;\s]+@([^,;!\s]+)", text, re.IGNORECASE)]


def tlsa_trouble(values: List[str], chain: List[Tuple[bytes, bytes]]) -> str:
    """Compare TLSA records with the certificate in use. Returns why none fits; empty when one does, or none counts.

    `chain`: the certificate and those above it, each with its public key (SubjectPublicKeyInfo), in DER.
    """
    if not tlsa_usable(values) or not chain or tlsa_fits(values, chain):
        return ""
    return "none of the TLSA records fits the certificate in use"


def tlsa_usable(values: Iterable[str]) -> List[str]:
    """Select the TLSA records that count: those with usage 2 or 3 (RFC 7672, 3.1.3). Returns them."""
    return [value for value in values if value.split(None, 1)[0] in ("2", "3")]


def tlsa_fits(values: Iterable[str], chain: List[Tuple[bytes, bytes]]) -> bool:
    """Return whether one of these TLSA records fits the certificate."""
    for value in tlsa_usable(values):
        usage, selector, matching, data = value.split(None, 3)
        for place in chain if usage == "2" else chain[:1]:
            if _digest(place[int(selector) & 1], matching) == data.replace(" ", "").lower():
                return True
    return False


def _digest(content: bytes, matching: str) -> str:
    if matching == "0":
        return binascii.hexlify(content).decode("ascii")
    return (hashlib.sha512 if matching == "2" else hashlib.sha256)(content).hexdigest()


def tlsa_value(chain: List[Tuple[bytes, bytes]]) -> str:
    """Return the value that fits as long as the key stays the same (RFC 7672, 3.1.1)."""
    return "3 1 1 " + _digest(chain[0][1], "1")
