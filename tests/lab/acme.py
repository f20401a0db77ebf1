"""A certificate authority: Pebble, Let's Encrypt's ACME server for tests, on the lab's network.

It asks the lab's resolver and connects to port 80 of whoever wants a certificate, as Let's Encrypt does.
"""

from __future__ import annotations

import json
import socket
from contextlib import ExitStack, closing

from . import roots
from .chroot import Chroot
from .network import Namespace, inside
from .world import RESOLVER, World

NAME, ADDRESS = "acme.example.net", "203.0.113.14"
URL = f"https://{NAME}/dir"
_FOLDER = "/etc/pebble"
_CONFIGURATION = {"pebble": {
    "listenAddress": "0.0.0.0:443", "managementListenAddress": "0.0.0.0:15000",
    "certificate": f"{_FOLDER}/server.pem", "privateKey": f"{_FOLDER}/server.key",
    "httpPort": 80, "tlsPort": 443, "ocspResponderURL": "", "externalAccountBindingRequired": False,
}}
# A CA of its own for its HTTPS; what it signs for others hangs below another one, new at each start.
_KEYS = f"""
    cd {_FOLDER}
    new='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc'
    openssl req -x509 $new -subj '/CN=The lab' -days 30 -keyout ca.key -out ca.pem
    openssl req $new -subj /CN={NAME} -addext subjectAltName=DNS:{NAME} -keyout server.key -out server.csr
    openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -copy_extensions copyall -days 30 -out server.pem
"""
# Answer at once, and take every nonce: how robust certbot is, is not what is tested here.
_QUICK = ["env", "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0", "PEBBLE_AUTHZREUSE=0"]


class Acme:
    """A running Pebble; a `with` block ends it. `trusted` is the certificate (PEM) that its HTTPS hangs on."""

    def __init__(self, world: World) -> None:
        packages = ["apt-get", "-y", "--no-install-recommends", "install", "pebble"]
        with ExitStack() as made:
            self._namespace = made.enter_context(closing(Namespace("acme", ADDRESS)))
            chroot = made.enter_context(Chroot(roots.upon_base(roots.WORLD_SUITE, "pebble", packages), "acme"))
            chroot.write("/etc/resolv.conf", f"nameserver {RESOLVER}\n")
            chroot.write(f"{_FOLDER}/config.json", json.dumps(_CONFIGURATION))
            chroot.run(_KEYS)
            self.trusted = chroot.read(f"{_FOLDER}/ca.pem")
            world.dns.set("example.net", f"acme A {ADDRESS}\n")
            command = [*_QUICK, "pebble", "-config", f"{_FOLDER}/config.json", "-dnsserver", f"{RESOLVER}:53"]
            chroot.daemon("pebble", command, self._namespace, self._answers)
            self._made = made.pop_all()

    def _answers(self) -> bool:
        try:
            with inside(self._namespace):
                socket.create_connection((ADDRESS, 443), 2).close()
        except OSError:
            return False
        return True

    def close(self) -> None:
        self._made.close()

    def __enter__(self) -> Acme:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
