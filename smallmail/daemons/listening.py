"""The ports of mail: the one table in which their numbers are written down."""
from collections import OrderedDict
from typing import NamedTuple, Tuple

# How TLS begins on a port.
NO_TLS = "none"
STARTTLS = "STARTTLS"       # by a command of the protocol
IMPLICIT = "TLS"            # with the first byte (RFC 8314, 3)

# Who connects to it.
SERVERS = "other mail servers"
PROGRAMS = "mail programs"
HOST = "this host"

Port = NamedTuple("Port", [
    ("number", int),
    ("names", Tuple[str, ...]),     # in /etc/services: today's name first, then those of older Debians
    ("daemon", str),                # the name of the daemon that listens there
    ("protocol", str),              # for people
    ("tls", str),                   # NO_TLS, STARTTLS or IMPLICIT
    ("used_by", str),               # SERVERS, PROGRAMS or HOST
    ("greeting", bytes),            # what the daemon says first
    ("farewell", bytes),            # what ends the conversation
    ("required", bool),             # a change of the configuration is taken back if nothing answers there
])

SMTP = Port(25, ("smtp", "mail"), "postfix", "SMTP", STARTTLS, SERVERS, b"220", b"QUIT\r\n", True)
SUBMISSIONS = Port(465, ("submissions", "smtps", "ssmtp", "urd"), "postfix", "SMTP", IMPLICIT, PROGRAMS, b"220",
                   b"QUIT\r\n", True)
SUBMISSION = Port(587, ("submission",), "postfix", "SMTP", STARTTLS, PROGRAMS, b"220", b"QUIT\r\n", True)
IMAPS = Port(993, ("imaps",), "dovecot", "IMAP", IMPLICIT, PROGRAMS, b"* OK", b"x LOGOUT\r\n", True)
SIEVE = Port(4190, ("sieve",), "dovecot", "ManageSieve", STARTTLS, PROGRAMS, b'"IMPLEMENTATION"', b"LOGOUT\r\n", False)
CONTROLLER = Port(11334, (), "rspamd", "Rspamd's web page", NO_TLS, HOST, b"", b"", True)
# Services of Postfix for mail that Sieve sends and that aliases forward (master.cf; _marks.j2 has why these numbers).
FORWARDING = tuple(Port(number, (), "postfix", "SMTP", NO_TLS, HOST, b"220", b"QUIT\r\n", True)
                   for number in (325, 326, 327))

PORTS = (SMTP, SUBMISSIONS, SUBMISSION, IMAPS, SIEVE, CONTROLLER) + FORWARDING

# Open to the world.
PUBLIC = tuple(port for port in PORTS if port.used_by != HOST)

# Another program on one of these keeps a daemon from starting.
EXCLUSIVE = PUBLIC + FORWARDING

# Not a port of mail, and not ours to hold: Let's Encrypt connects to it while certbot asks for a certificate.
HTTP, HTTP_NAME = 80, "http"

# Where the certificate is looked at: one port for each way in which a daemon shows it.
SHOWING_CERTIFICATE = tuple(port for port in PUBLIC if port.tls == IMPLICIT or port.used_by == SERVERS)

# The labels by which mail programs find a port (RFC 6186, RFC 8314, RFC 5804): SRV records.
SRV = OrderedDict(("_" + port.names[0], port.number) for port in PORTS if port.used_by == PROGRAMS)


def of(daemon: str) -> Tuple[Port, ...]:
    """Return the ports of that daemon."""
    return tuple(port for port in PORTS if port.daemon == daemon)
