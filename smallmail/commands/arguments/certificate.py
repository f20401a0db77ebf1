"""The arguments of `smallmail certificate`."""
from smallmail.commands.arguments.parser import Verbs


def arguments(verbs: Verbs) -> None:
    """Add the actions on the certificate."""
    actions = verbs.group("certificate", "The certificate that the daemons serve.")
    actions.reading("status", "certificate.status", "Show the certificate: for which name it is, how long it is valid,"
                    " whether it is in use, and what a new one waits for. The exit code is 1 when there is a problem.",
                    "smallmail certificate status")
    obtaining = actions.changing("obtain", "certificate.obtain", "Request a certificate from Let's Encrypt now, without"
                                 " waiting for the timer.", "smallmail certificate obtain")
    obtaining.add_argument("--new", action="store_true", help="replace the certificate and its key even if they are"
                           " valid; if DNS has TLSA records, the new one is used once DNS lists both keys")
