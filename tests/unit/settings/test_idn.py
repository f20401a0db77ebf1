"""Names beyond ASCII: those of IDNA 2008, and what becomes of names of the standard of 2003."""

from __future__ import annotations

import sys

import pytest

from smallmail.settings import file_format, idn, values

# The four deviation characters, with the examples of UTS 46 (table 1): name, IDNA 2008, the standard of 2003.
ELSE = ": if DNS has this name, type it in the form that begins with xn--"
DEVIATIONS = [
    ("fa\u00df.de", "xn--fa-hia.de", "fass.de"),
    ("stra\u00dfe.test", "xn--strae-oqa.test", "strasse.test"),
    ("\u03b2\u03cc\u03bb\u03bf\u03c2.com", "xn--nxasmm1c.com", "xn--nxasmq6b.com"),
    ("\u0dc1\u0dca\u200d\u0dbb\u0dd3.com", "xn--10cl1a0b660p.com", "xn--10cl1a0b.com"),
    ("\u0646\u0627\u0645\u0647\u200c\u0627\u06cc.com", "xn--mgba3gch31f060k.com", "xn--mgba3gch31f.com"),
]


@pytest.mark.parametrize(("name", "encoded", "_"), DEVIATIONS)
def test_a_deviation_character_is_kept(name: str, encoded: str, _: str) -> None:
    assert values.domain(name) == encoded
    assert values.address("alice@" + name) == "alice@" + encoded
    assert values.relayhost("[" + name + "]:587") == "[" + encoded + "]:587"


@pytest.mark.parametrize(("name", "encoded"), [
    ("STRA\u1e9eE.test", "xn--strae-oqa.test"),
    ("\u0392\u038c\u039b\u039f\u03a3.com", "xn--nxasmq6b.com"),
    ("B\u00dcCHER.Example", "xn--bcher-kva.example"),
    ("bu\u0308cher.example", "xn--bcher-kva.example"),
    ("b\u00fccher\u3002example", "xn--bcher-kva.example"),
    ("\uff45\uff58\uff41\uff4d\uff50\uff4c\uff45.org", "example.org"),
    ("l\u00b7l.cat", "xn--ll-0ea.cat"),
    ("xn--n3h.example", "xn--n3h.example"),
    ("XN--Fa-hia.DE", "xn--fa-hia.de"),
])
def test_other_spellings(name: str, encoded: str) -> None:
    assert values.domain(name) == encoded


@pytest.mark.parametrize(("name", "sentence"), [
    ("\u2603.example", "'\u2603.example' contains U+2603 (SNOWMAN), which IDNA 2008 does not allow in domain names"
     + ELSE),
    ("a\u200db.example", "'a\u200db.example' contains U+200D (ZERO WIDTH JOINER), which IDNA 2008 does not allow there"
     + ELSE),
    ("a\u200cb.example", "'a\u200cb.example' contains U+200C (ZERO WIDTH NON-JOINER), which IDNA 2008 does not allow"
     " there" + ELSE),
    ("\u05d0a.example", "'\u05d0a.example' mixes letters written from right to left with others in a way that is not"
     " allowed in domain names (RFC 5893)"),
    ("-\u00fc.example", "'-\u00fc.example' is not a valid domain name (IDNA 2008)"),
    ("\u00fc" * 64 + ".example", "'" + "\u00fc" * 64 + ".example' is not a valid domain name (IDNA 2008)"),
])
def test_what_is_not_allowed_is_told(name: str, sentence: str) -> None:
    with pytest.raises(ValueError) as caught:
        values.domain(name)
    assert str(caught.value) == sentence


def test_without_the_library_a_name_waits_for_postinst(monkeypatch: pytest.MonkeyPatch) -> None:
    """debconf may ask before python3-idna is unpacked; what cannot be a name is refused all the same."""
    monkeypatch.setitem(sys.modules, "idna", None)
    assert values.domain("stra\u00dfe.test") == "stra\u00dfe.test"
    assert values.mailbox_in("a@stra\u00dfe.test", values.domains("stra\u00dfe.test")) == "a@stra\u00dfe.test"
    for wrong in ("stra\u00dfe", "stra\u00dfe..test", "-stra\u00dfe.test", "stra\u00dfe test.example", "a/\u00df.test"):
        with pytest.raises(ValueError):
            values.domain(wrong)


@pytest.mark.parametrize(("name", "encoded", "former"), DEVIATIONS)
def test_names_of_a_former_version_mean_what_they_meant(name: str, encoded: str, former: str) -> None:
    text = (f"# mine\nhostname = mail.{name}   # here\ndomain = {encoded} {name} b\u00fccher.example\n"
            f"relay-password = {name}\n")
    assert file_format.with_former_names(text) == (
        f"# mine\nhostname = mail.{former}  # here\ndomain = {encoded} {former} b\u00fccher.example\n"
        f"relay-password = {name}\n",
        {"hostname": "mail." + former, "domain": f"{encoded} {former} b\u00fccher.example"})


def test_a_name_that_only_the_former_standard_allowed() -> None:
    text = "www-data:shop@\u2603.example @\u2603.test"
    assert idn.former_names(text) == "www-data:shop@xn--n3h.example @xn--n3h.test"
    assert idn.former_names("no name: \u2603\u2603..x") == "no name: \u2603\u2603..x"


@pytest.mark.parametrize(("version", "former"), [
    ("0.6.0", True), ("0.6.0~rc1", True), ("0.3", True), ("0.7.0", False), ("0.7.0~dev", False), ("1.0", False),
    ("", False),
])
def test_versions_of_the_former_standard(version: str, former: bool) -> None:
    assert idn.is_former(version) == former
