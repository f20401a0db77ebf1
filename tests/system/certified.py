"""A machine that has its certificate from the world's certificate authority, and what clients are shown there."""
import contextlib
import json
import smtplib
import socket
import ssl
import subprocess

from tests.lab import inside, packages, roots
from tests.lab.acme import URL
from tests.lab.network import GATEWAY
from tests.system.mailhost import PASSWORD

NAME, ADDRESS = "cert.example.com", "203.0.113.44"
ANSWERS = {"hostname": NAME, "domain": "example.com", "address": "alice@example.com", "password": PASSWORD,
           "password-again": PASSWORD, "certificate": "letsencrypt", "acme-email": "", "resolver": "system"}
PORTS = (25, 465, 993)
ATTEMPTS = "grep -h 'certbot version' /var/log/letsencrypt/*.log* 2>/dev/null | wc -l"
_UPDATES = ("dns_rfc2136_server = {}\ndns_rfc2136_name = {}.\ndns_rfc2136_secret = {}\n"
            "dns_rfc2136_algorithm = HMAC-SHA256\n")


class Certified:
    """A machine that wants its certificate from the world's certificate authority, installed before its name is
    anywhere."""

    def __init__(self, suite, deb, world, authority, layers=None):
        """The layers have the package in them already, by these ANSWERS."""
        self.world, self.suite = world, suite
        world.dns.empty()
        world.dns.remove_reverse(ADDRESS)
        with contextlib.ExitStack() as made:
            self.machine = made.enter_context(world.machine(layers or roots.warm(suite, deb), NAME, ADDRESS))
            self.machine.write("/usr/local/share/ca-certificates/lab.crt", authority.trusted)
            if not layers:
                packages.offer(self.machine, deb)
                packages.preseed(self.machine, deb, ANSWERS)
                self.said = packages.install(self.machine, "smallmail-server")
            self.machine.run("update-ca-certificates")
            for port in PORTS:
                self.machine.wait_port(port)
            self.machine.run("smallmail set acme-server=" + URL)
            made.pop_all()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.machine.close()

    def look(self):
        """What the timer does every few minutes."""
        self.machine.run("systemctl start smallmail-certificate.service")

    def publish(self):
        self.world.dns.set("example.com", self.machine.run("smallmail dns show").stdout)

    def may_update(self):
        """Let the machine change DNS by dynamic update."""
        self.machine.write("/etc/smallmail/rfc2136.ini", _UPDATES.format(GATEWAY, *self.world.dns.key[::2]), 0o600)

    def status(self):
        """What `smallmail certificate status` says, as data, and its exit code."""
        done = self.machine.run("smallmail certificate status --json", check=False)
        return json.loads(done.stdout), done.returncode

    def served(self):
        """The certificates that a client on the network is shown on each port, as a set: one, when all is well."""
        with inside(self.world.client.namespace):
            return {_shown(port) for port in PORTS}

    def attempts(self):
        return int(self.machine.run(ATTEMPTS).stdout)

    def pids(self):
        return self.machine.run("cat /run/dovecot/master.pid /var/spool/postfix/pid/master.pid").stdout


def _shown(port):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if port == 25:
        with smtplib.SMTP(ADDRESS, 25, local_hostname="client.example.net", timeout=30) as connection:
            connection.starttls(context=context)
            return connection.sock.getpeercert(True)
    with socket.create_connection((ADDRESS, port), 30) as plain, \
            context.wrap_socket(plain, server_hostname=NAME) as connection:
        return connection.getpeercert(True)


def said_of(der, *questions):
    return subprocess.run(["openssl", "x509", "-noout", "-inform", "DER", *questions], input=der, capture_output=True,
                          check=True).stdout.decode()
