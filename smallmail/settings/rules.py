"""The rules between settings: each is a sentence that the admin reads when it is broken."""
from typing import Iterator, List

from smallmail.errors import Problem
from smallmail.settings.fields import Settings


def check(settings: Settings) -> None:
    """Check all rules. Raises Problem with a sentence for each broken one."""
    broken = list(_broken(settings))
    if broken:
        raise Problem("; ".join(broken))


def _broken(settings: Settings) -> Iterator[str]:
    for name in _missing(settings):
        yield "{} is not set: type 'smallmail set {}=…'".format(name, name)
    domain = settings.address.rpartition("@")[2]
    if settings.address and settings.domain and domain not in settings.domain:
        yield "address: {} is not in a domain of this host: add {} to domain, or choose an address in {}".format(
            settings.address, domain, " or ".join(settings.domain))
    if settings.certificate == "files" and not (settings.certificate_file and settings.key_file):
        yield "certificate: 'files' needs certificate-file and key-file"
    if bool(settings.relay_username) != bool(settings.relay_password):
        yield "relay-username and relay-password belong together: set both or none"
    if settings.relay_username and not settings.relayhost:
        yield "relay-username needs a relayhost"
    if settings.message_size_limit < 1024 * 1024:
        yield "message-size-limit: {} bytes would refuse ordinary mail: use 1M or more".format(
            settings.message_size_limit)
    if settings.quota and settings.quota < settings.message_size_limit:
        yield "quota: {} is smaller than one message of message-size-limit ({})".format(
            settings.text("quota"), settings.text("message-size-limit"))


def _missing(settings: Settings) -> List[str]:
    return [name for name in ("hostname", "domain", "address") if not settings.text(name)]
