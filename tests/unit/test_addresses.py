"""Which addresses are the host's."""
from smallmail import addresses


def test_is_here():
    assert addresses.is_here("127.0.0.1")
    assert not addresses.is_here("192.0.2.1")
    assert not addresses.is_here("2001:db8::1")
