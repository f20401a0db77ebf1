"""What nftables gets."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from smallmail.bans import clients, packets
from smallmail.check.probes import firewall
from smallmail.machine.host import Host


def test_the_script_is_one_transaction_and_no_firewall_for_others() -> None:
    table = "inet smallmail_bans"
    networks = [clients.network(text) for text in ("203.0.113.66", "203.0.113.0/24", "2001:db8:1:2::/64", "192.0.2.1")]
    said = packets.script(networks)
    assert said.startswith(f"add table {table}\ndelete table {table}\ntable {table} {{")
    assert "elements = { 192.0.2.1, 203.0.113.0/24 }" in said, "no element is in another one"
    assert "tcp dport { 25, 465, 587, 993, 4190 } reject with tcp reset" in said
    assert "elements" not in packets.script([])
    begins = "tcp dport { 465, 587 } tcp flags & (syn|ack) == syn ip saddr"
    assert f"{begins} @known4 update @often4 {{ ip saddr limit rate over 240/minute burst 200 packets }} drop" in said
    assert f"{begins} != @known4 update @new4 {{ ip saddr limit rate over 60/minute burst 20 packets }} drop" in said
    assert "tcp dport { 325, 326, 327, 879 } meta skuid != { root, dovecot, postfix, vmail } reject" in said
    assert "limit rate" not in packets.script(networks, slows=False)
    assert "elements = { 198.51.100.0/24 }" in packets.script([], [clients.network("198.51.100.0/24")])
    drops = "table inet f {\n\tchain in {\n\t\ttype filter hook input priority 0; policy drop;\n\t}\n}\n"
    ours = said.partition("delete table inet smallmail_bans\n")[2]
    assert firewall.closed(ours, [25, 993]) == []
    assert firewall.closed(drops + ours, [25, 993]) == firewall.closed(ours + drops, [25, 993]) == [25, 993]


@pytest.mark.parametrize("bounds, hinders", [("000001ffffffffff", False), ("00000000fdecafff", True), ("", False)])
def test_a_container_may_not_change_nftables(bounds: str, hinders: bool, host: Host) -> None:
    assert "not installed" in packets.hindrance(host)
    root = Path(host.root)
    for path, text in ((packets.PROGRAM, ""), ("proc/1/status", f"Name:\tsystemd\nCapBnd:\t{bounds}\nSeccomp:\t0\n")):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="ascii")
    assert ("CAP_NET_ADMIN" in packets.hindrance(host)) == hinders == bool(packets.hindrance(host))


@pytest.mark.skipif(not shutil.which("nft"), reason="nftables is not installed")
def test_nft_understands_it() -> None:
    said = packets.script([clients.network("203.0.113.66"), clients.network("2001:db8:1:2::/64")],
                          known=[clients.network("192.0.2.7"), clients.network("2001:db8:7::/64")])
    for number, name in enumerate(("dovecot", "postfix", "vmail"), 900):    # this host does not have these users
        said = said.replace(f"{name}, ", f"{number}, ").replace(f"{name} ", f"{number} ")
    subprocess.run(["unshare", "-n", "nft", "-c", "-f", "-"], input=said, encoding="utf-8", check=True)
