"""Who reads a From header: the addresses that mail programs show, by program."""

from __future__ import annotations

import email
import email.policy
import email.utils
import re
from collections.abc import Callable

from tests.support import go_reader, thunderbird_reader


def from_fields(head: bytes) -> list[bytes]:
    """Return the values of all From headers, as they are."""
    return re.findall(rb"(?im)^from[ \t]*:((?:.*)(?:\r?\n[ \t].*)*)", head)


def _python(head: bytes) -> list[str]:
    message = email.message_from_bytes(head + b"\r\n", policy=email.policy.compat32)
    values = [str(value) for value in message.get_all("From", [])]
    # Without "strict" it is what all versions did before 2024 (CVE-2023-27043).
    read: Callable[..., list[tuple[str, str]]] = email.utils.getaddresses
    return [address for strict in (True, False) for _, address in read(values, strict=strict)]


def _python_default(head: bytes) -> list[str]:
    try:
        message = email.message_from_bytes(head + b"\r\n", policy=email.policy.default)
        return [address.addr_spec for value in message.get_all("From", []) for address in value.addresses]
    except (IndexError, ValueError, AttributeError, TypeError):  # its parser's own errors: the program shows nothing
        return []


def _thunderbird(head: bytes) -> list[str]:
    return [mailbox.address for value in from_fields(head) for mailbox in thunderbird_reader.read(value)]


def _go(head: bytes) -> list[str]:
    return [address for value in from_fields(head) for address in go_reader.read(value)]


READERS: dict[str, Callable[[bytes], list[str]]] = {
    "Python": _python, "Python, policy default": _python_default, "Thunderbird": _thunderbird, "Go": _go}


def strangers(addresses: list[str], own: str) -> list[str]:
    """Return those of the addresses that are not `own`, in one of its forms. Python and Dovecot do not decode what is
    not ASCII in addresses, and Dovecot makes an address of a name without one."""
    def plain(address: str) -> str:
        unquoted = re.sub(r'^"([^"\\]*)"@', r"\1@", address.strip())
        return re.sub(r"[^\x00-\x7f]+", "?", unquoted).lower()
    return [address for address in addresses if "@" in address and not address.endswith("@MISSING_DOMAIN")
            and plain(address) != plain(own)]
