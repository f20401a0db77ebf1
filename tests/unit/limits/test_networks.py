"""Which network an address is in."""

from __future__ import annotations

import pytest

from smallmail.limits import networks


@pytest.mark.parametrize(("address", "network"), [
    ("198.51.100.7", "198.51.0.0/16"),
    ("2001:db8:1:2::3", "2001:db8::/32"),
    ("::ffff:198.51.100.7", "198.51.0.0/16"),
    ("127.0.0.1", ""),
    ("::1", ""),
    ("unknown", ""),
    ("", ""),
])  # fmt: skip
def test_the_network_of_an_address(address: str, network: str) -> None:
    assert networks.of(address) == network
