"""Find records at the wrong name, as a DNS host's form makes them, and tell them from those of a wildcard. Pure: the
look-ups are given."""
from typing import Callable, List

from smallmail.zones.answers import Unanswered

_NO_NAME = "smallmail-asks-for-wildcards"   # no domain has this name below it
Look = Callable[[str, str], List[str]]      # (name, type) -> values; raises Unanswered


def is_wildcard(look: Look, values: List[str], domain: str, kind: str) -> bool:
    """Return whether these values come from a wildcard of the domain (RFC 4592): any other name has them, too."""
    return bool(values) and sorted(look("{}.{}".format(_NO_NAME, domain), kind)) == sorted(values)


def hint(look: Look, domains: List[str], name: str, kind: str) -> str:
    """Return a hint at the commonest mistake in web forms: a full name where the form adds the domain; or ""."""
    for domain in domains:
        twice = "{}.{}".format(name, domain)
        if not ("." + name).endswith("." + domain):
            continue
        try:
            values = look(twice, kind)
            is_there = bool(values) and not is_wildcard(look, values, domain, kind)
        except Unanswered:
            is_there = False
        if is_there:
            return "; but {} has one: the form of your DNS host adds the domain by itself".format(twice)
    return ""
