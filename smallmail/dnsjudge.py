"""Does a record set that others wrote serve as well as ours would? As `dns check` judges, set by set. Pure."""
import ipaddress
from typing import Callable, Iterable, List

from smallmail import dnscheck, dnstexts, findings
from smallmail.answers import Answer, Zone
from smallmail.dnsplan import Place


class Judge:
    """Knows what is wanted, and how to ask for what is, or will be, in DNS."""

    def __init__(self, wanted: dnscheck.Wanted, ask: Callable[[str, str], Answer],
                 zone: Callable[[str], Zone]) -> None:
        self._wanted, self._ask, self._zone = wanted, ask, zone

    def trouble(self, place: Place, values: List[str], wanted: List[str]) -> str:
        """What is wrong with these values at a place where others are wanted; "" when they serve. Raises Unanswered."""
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
        missing = [value for value in wanted if value not in values]
        return "it lacks {}".format(" and ".join(missing)) if missing else ""

    def _text(self, place: Place, values: List[str], wanted: List[str]) -> str:
        if place.purpose == "SPF":
            return self._found(lambda check: check.sender(place.name))
        if place.purpose == "DKIM":
            return dnstexts.dkim_trouble(values, wanted[0])
        if place.purpose == "DMARC":
            return dnstexts.dmarc_trouble(values)
        if place.purpose == "TLSRPT":
            return _report_trouble(values)
        return ""

    def _addresses(self, values: List[str], wanted: List[str]) -> str:
        there = {str(ipaddress.ip_address(value)) for value in values}
        missing = [value for value in wanted if str(ipaddress.ip_address(value)) not in there]
        strange = sorted(address for address in there if address not in wanted and not self._wanted.is_here(address))
        if strange:
            return "{} is not an address of this host".format(" and ".join(strange))
        return "{} is missing".format(" and ".join(missing)) if missing else ""

    def _found(self, part: Callable[[dnscheck.Check], Iterable[findings.Finding]]) -> str:
        check = dnscheck.Check(self._wanted, self._ask, self._zone)
        found = findings.problems(list(part(check)))     # a note is no trouble
        return "; ".join([finding.what for finding in found] or list(check.unanswered))


def _report_trouble(values: List[str]) -> str:
    """RFC 8460, 3: one record, with an address for the reports."""
    if len(values) > 1:
        return "there are {} TLSRPT records: then none counts".format(len(values))
    try:
        return "" if dnstexts.tags(values[0]).get("rua") else "it has no address for reports (rua=)"
    except ValueError as error:
        return "the record can't be read: {}".format(error)


def _service_trouble(values: List[str], wanted: str) -> str:
    if any(_target(value) == wanted for value in values):
        return ""
    return "it leads elsewhere than to " + wanted if wanted else "it says that this is offered, which it is not here"


def _target(value: str) -> str:
    """The host and port that an SRV record leads to (RFC 2782); empty when it says that there is none."""
    return " port ".join(reversed(value.lower().split()[2:])) if value.split()[3:] != ["."] else ""
