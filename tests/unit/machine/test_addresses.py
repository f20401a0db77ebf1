"""Which addresses are the host's."""

from __future__ import annotations

import pytest

from smallmail.machine import addresses


def test_is_here() -> None:
    assert addresses.is_here("127.0.0.1")
    assert not addresses.is_here("192.0.2.1")
    assert not addresses.is_here("2001:db8::1")


class Socket:
    """A UDP socket that would speak from that address."""

    def __init__(self, address: str) -> None:
        self.address = address

    def __enter__(self) -> Socket:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def connect(self, _: object) -> None:
        if not self.address:
            raise OSError("Network is unreachable")

    def getsockname(self) -> tuple[str, int, int, int]:
        return (self.address, 9, 0, 0)


@pytest.mark.parametrize(("address", "leaving", "public"), [
    ("2001:4860::7", "2001:4860::7", ["2001:4860::7"]),
    ("fd00::7", "fd00::7", []),
    ("fe80::7%eth0", "", []),       # a route, but no address that leads anywhere
    ("", "", []),
])
def test_leaving(monkeypatch: pytest.MonkeyPatch, address: str, leaving: str, public: list[str]) -> None:
    monkeypatch.setattr(addresses.socket, "socket", lambda family, kind: Socket(address))
    monkeypatch.setattr(addresses, "_FAR", {"AAAA": (10, "2001:db8::1")})
    assert addresses.leaving("AAAA") == leaving
    assert addresses.public() == public
