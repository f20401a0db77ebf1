"""What may stand in a setting: the normal form, or one sentence."""

from __future__ import annotations

from typing import Callable

import pytest

from smallmail.settings import values

RIGHT = [
    (values.hostname, " Mail.Example.ORG. ", "mail.example.org"),
    (values.hostname, "mx-1.example.co.uk", "mx-1.example.co.uk"),
    (values.hostname, "mäil.bücher.example", "xn--mil-qla.xn--bcher-kva.example"),
    (values.domain, "example.org", "example.org"),
    (values.domain, "BÜCHER.example", "xn--bcher-kva.example"),
    (values.domains, "example.org,example.net  Example.ORG", "example.org example.net"),
    (values.address, "Alice.B@Example.org", "alice.b@example.org"),
    (values.address, "o'brien+list@bücher.example", "o'brien+list@xn--bcher-kva.example"),
    (values.address, "b=c&d_e~f@example.org", "b=c&d_e~f@example.org"),
    (values.optional_address, "  ", ""),
    (values.optional_address, "a@example.org", "a@example.org"),
    (values.mailbox, "alice-1@example.org", "alice-1@example.org"),
    (values.certificate, " Files ", "files"),
    (values.path, "/etc//ssl/./a.pem", "/etc/ssl/a.pem"),
    (values.path, "//etc/ssl", "/etc/ssl"),
    (values.optional_path, "", ""),
    (values.mail_directory, "/srv/mail/", "/srv/mail"),
    (values.mail_directory, "/var/vmail", "/var/vmail"),
    (values.mail_directory, "/home/mail", "/home/mail"),
    (values.mail_directory, "/data", "/data"),
    (values.resolver, "System", "system"),
    (values.resolver, "local", "local"),
    (values.resolver, "192.0.2.53, 2001:DB8:0::53", "192.0.2.53 2001:db8::53"),
    (values.networks, "", ""),
    (values.networks, "192.0.2.5/24, 2001:DB8:0::1", "192.0.2.0/24 2001:db8::1/128"),
    (values.relayhost, "", ""),
    (values.relayhost, "[SMTP.example.net]:587", "[smtp.example.net]:587"),
    (values.relayhost, "example.net", "example.net"),
    (values.relayhost, "[192.0.2.1]:25", "[192.0.2.1]:25"),
    (values.relayhost, "[2001:DB8::1]", "[2001:db8::1]"),
    (values.relay_username, "", ""),
    (values.relay_username, " alice@example.net ", "alice@example.net"),
    (values.size, "50m", "50M"),
    (values.size, " 1 GiB", "1G"),
    (values.size, "007K", "7K"),
    (values.size, "0M", "0"),
    (values.yes_no, "TRUE", "yes"),
    (values.yes_no, "off", "no"),
    (values.password, "  pass  word ", "  pass  word "),
    (values.optional_password, "", ""),
    (values.line, " a b ", "a b"),
]

WRONG = [
    (values.hostname, ["", "mail", "localhost", "localhost.localdomain", "host.localhost", "192.0.2.1", "-a.example",
                       "a-.example", "a..example", "a_b.example", "ex ample.org", "a." + "b" * 64 + ".org",
                       ".".join(["abcdefgh"] * 29), "mail.example.org/etc", "ma\nil.example.org"]),
    (values.networks, ["x", "192.0.2.0/33", "192.0.2", "2001:db8::/129", "example.org", "192.0.2.1;2001:db8::1"]),
    (values.domain, ["", ".", "org", "example.123", "*.example.org", "@example.org"]),
    (values.domains, ["", " , ", "example.org nodots"]),
    (values.address, ["", "alice", "@example.org", "alice@", "a b@example.org", "a..b@example.org", ".a@example.org",
                      "a.@example.org", "a/b@example.org", "../x@example.org", "a%b@example.org", "a!b@example.org",
                      "|sh@example.org", "ä@example.org", "a" * 65 + "@example.org", "a@b@example.org",
                      '"a b"@example.org', "alice@nodots"]),
    (values.mailbox, ["alice+x@example.org"]),
    (values.certificate, ["", "acme", "letsencrypt files"]),
    (values.path, ["", "etc/ssl", "~/x", "/a\n/b"]),
    (values.mail_directory, ["", "srv/mail", "/", "/srv", "/var", "/var/mail", "/home", "/etc", "/etc/mail", "/usr/x",
                             "/srv/../etc", "/srv/mail/../../var/lib/dpkg", "/tmp", "/var/tmp/x", "/run/mail",
                             "/srv/my mail", "/srv/%d", "/srv/$HOME", "//", "//etc"]),
    (values.resolver, ["", "google", "local 192.0.2.1", "system local", "192.0.2", "fe80::1%eth0", "192.0.2.53:53"]),
    (values.relayhost, ["a:b", "[a.example", "a.example]", "[a.example]:0", "[a.example]:65536", "a b", "smtp://a.example",
                        "[a_b]", "2001:db8::1"]),
    (values.relay_username, ["alice:b", ":", "a:b:c", "a\nb"]),
    (values.size, ["", "50X", "-1", "1.5G", "M", "1 0M"]),
    (values.yes_no, ["", "maybe", "ja"]),
    (values.password, ["", "1234567", "12345678\n", "\x0012345678"]),
    (values.line, ["a\nb", "a\x00b", "a\x7fb"]),
]  # fmt: skip


@pytest.mark.parametrize(("check", "given", "normal"), RIGHT)
def test_a_right_text_has_a_normal_form_that_stays(check: Callable[[str], str], given: str, normal: str) -> None:
    assert check(given) == normal
    assert check(normal) == normal


@pytest.mark.parametrize(("check", "given"), [(check, given) for check, texts in WRONG for given in texts])
def test_a_wrong_text_is_refused_in_one_sentence(check: Callable[[str], str], given: str) -> None:
    with pytest.raises(ValueError, match=".") as refused:
        check(given)
    sentence = str(refused.value)
    assert "\n" not in sentence
    assert not sentence.endswith(".")
    assert len(sentence) < 420


@pytest.mark.parametrize("given", ["1234567", "secret\n1"])
def test_the_sentence_about_a_password_does_not_tell_it(given: str) -> None:
    with pytest.raises(ValueError, match=".") as refused:
        values.password(given)
    assert given.strip() not in str(refused.value)


def test_the_first_mailbox_is_in_a_domain_of_ours() -> None:
    assert values.mailbox_in("A@example.net", "example.org example.net") == "a@example.net"
    with pytest.raises(ValueError, match=r"example\.org or example\.net"):
        values.mailbox_in("a@example.com", "example.org example.net")


@pytest.mark.parametrize(
    ("given", "number"), [("0", 0), ("1", 1), ("10K", 10240), ("50M", 50 * 1024**2), ("2G", 2 * 1024**3)]
)
def test_byte_count(given: str, number: int) -> None:
    assert values.byte_count(values.size(given)) == number


def test_alias_addresses() -> None:
    assert values.alias_address("@Example.org") == "@example.org"
    assert values.alias_address("Info@Example.org") == "info@example.org"
    with pytest.raises(ValueError):
        values.alias_address("nonsense")
