"""Judge whether a record set that others wrote does the work of ours, by the rules of `dns check`. Pure."""
import ipaddress
from typing import Callable, Iterable, List

from smallmail import findings
from smallmail.publishing.dns_plan import Place
from smallmail.zones import dns_check, meaning
from smallmail.zones.answers import Answer, Zone

Ask = Callable[[str, str], Answer]      # a name and a type
ZoneOf = Callable[[str], Zone]          # a name
Trouble = Callable[[Place, List[str], List[str]], str]
Judging = Callable[[Ask, ZoneOf], Trouble]


def alone(place: Place, values: List[str], wanted: List[str]) -> str:
    """Judge values that need no look at other records: DKIM keys and TLSA. Returns what is wrong, or ""."""
    if place.purpose == "DKIM":
        return meaning.dkim_trouble(values, wanted[0])
    missing = [value for value in wanted if value not in values]
    return "it lacks {}".format(" and ".join(missing)) if missing else ""


class Judge:
    """A judge of records, who knows what is wanted, and how to ask for what is, or will be, in DNS."""

    def __init__(self, wanted: dns_check.Wanted, ask: Ask, zone: ZoneOf) -> None:
        self._wanted, self._ask, self._zone = wanted, ask, zone

    def trouble(self, place: Place, values: List[str], wanted: List[str]) -> str:
        """Judge the values at a place where others are wanted. Returns what is wrong, or ""; raises Unanswered."""
        if place.type in ("A", "AAAA"):
            return self._addresses(values, wanted)
        if place.type == "TXT":
            return self._text(place, values, wanted)
        if place.type == "SRV":
            return _service_trouble(values, _target(wanted[0]))
        if place.type == "MX":
            return self._found(lambda check: check.mx(place.name))
        if place.type == "CAA":
            return self._found(lambda check: check.caa())
        return alone(place, values, wanted)

    def _text(self, place: Place, values: List[str], wanted: List[str]) -> str:
        if place.purpose == "SPF":
            return self._found(lambda check: check.sender(place.name))
        if place.purpose == "DMARC":
            return meaning.dmarc_trouble(values)
        if place.purpose == "TLSRPT":
            return _report_trouble(values)
        return alone(place, values, wanted) if place.purpose == "DKIM" else ""

    def _addresses(self, values: List[str], wanted: List[str]) -> str:
        there = {str(ipaddress.ip_address(value)) for value in values}
        missing = [value for value in wanted if str(ipaddress.ip_address(value)) not in there]
        strange = sorted(address for address in there if address not in wanted and not self._wanted.is_here(address))
        if strange:
            return "{} is not an address of this host".format(" and ".join(strange))
        return "{} is missing".format(" and ".join(missing)) if missing else ""

    def _found(self, part: Callable[[dns_check.Check], Iterable[findings.Finding]]) -> str:
        check = dns_check.Check(self._wanted, self._ask, self._zone)
        found = findings.problems(list(part(check)))     # notes do not count
        return "; ".join([finding.what for finding in found] or list(check.unanswered))


def _report_trouble(values: List[str]) -> str:
    """Judge TLSRPT records (RFC 8460, 3): there must be one, with an address for the reports."""
    if len(values) > 1:
        return "there are {} TLSRPT records, so none of them counts".format(len(values))
    try:
        return "" if meaning.tags(values[0]).get("rua") else "it has no address for reports (rua=)"
    except ValueError as error:
        return "the record cannot be read: {}".format(error)


def _service_trouble(values: List[str], wanted: str) -> str:
    if any(_target(value) == wanted for value in values):
        return ""
    return "it does not point to " + wanted if wanted else "it offers this service, which this host does not have"


def _target(value: str) -> str:
    """Return the host and port of an SRV record (RFC 2782); empty if it says that the service is not available."""
    return " port ".join(reversed(value.lower().split()[2:])) if value.split()[3:] != ["."] else ""
