"""What may stand in a setting: the normal form, or one sentence."""

from __future__ import annotations

from typing import Callable

import pytest

from smallmail import checks

RIGHT = [
    (checks.hostname, " Mail.Example.ORG. ", "mail.example.org"),
    (checks.hostname, "mx-1.example.co.uk", "mx-1.example.co.uk"),
    (checks.hostname, "mäil.bücher.example", "xn--mil-qla.xn--bcher-kva.example"),
    (checks.domain, "example.org", "example.org"),
    (checks.domain, "BÜCHER.example", "xn--bcher-kva.example"),
    (checks.domains, "example.org,example.net  Example.ORG", "example.org example.net"),
    (checks.address, "Alice.B@Example.org", "alice.b@example.org"),
    (checks.address, "o'brien+list@bücher.example", "o'brien+list@xn--bcher-kva.example"),
    (checks.address, "b=c&d_e~f@example.org", "b=c&d_e~f@example.org"),
    (checks.optional_address, "  ", ""),
    (checks.optional_address, "a@example.org", "a@example.org"),
    (checks.mailbox, "alice-1@example.org", "alice-1@example.org"),
    (checks.certificate, " Files ", "files"),
    (checks.path, "/etc//ssl/./a.pem", "/etc/ssl/a.pem"),
    (checks.path, "//etc/ssl", "/etc/ssl"),
    (checks.optional_path, "", ""),
    (checks.mail_directory, "/srv/mail/", "/srv/mail"),
    (checks.mail_directory, "/var/vmail", "/var/vmail"),
    (checks.mail_directory, "/home/mail", "/home/mail"),
    (checks.mail_directory, "/data", "/data"),
    (checks.resolver, "System", "system"),
    (checks.resolver, "local", "local"),
    (checks.resolver, "192.0.2.53, 2001:DB8:0::53", "192.0.2.53 2001:db8::53"),
    (checks.relayhost, "", ""),
    (checks.relayhost, "[SMTP.example.net]:587", "[smtp.example.net]:587"),
    (checks.relayhost, "example.net", "example.net"),
    (checks.relayhost, "[192.0.2.1]:25", "[192.0.2.1]:25"),
    (checks.relayhost, "[2001:DB8::1]", "[2001:db8::1]"),
    (checks.size, "50m", "50M"),
    (checks.size, " 1 GiB", "1G"),
    (checks.size, "007K", "7K"),
    (checks.size, "0M", "0"),
    (checks.yes_no, "TRUE", "yes"),
    (checks.yes_no, "off", "no"),
    (checks.password, "  pass  word ", "  pass  word "),
    (checks.optional_password, "", ""),
    (checks.line, " a b ", "a b"),
]

WRONG = [
    (checks.hostname, ["", "mail", "localhost", "localhost.localdomain", "host.localhost", "192.0.2.1", "-a.example",
                       "a-.example", "a..example", "a_b.example", "ex ample.org", "a." + "b" * 64 + ".org",
                       ".".join(["abcdefgh"] * 29), "mail.example.org/etc", "ma\nil.example.org"]),
    (checks.domain, ["", ".", "org", "example.123", "*.example.org", "@example.org"]),
    (checks.domains, ["", " , ", "example.org nodots"]),
    (checks.address, ["", "alice", "@example.org", "alice@", "a b@example.org", "a..b@example.org", ".a@example.org",
                      "a.@example.org", "a/b@example.org", "../x@example.org", "a%b@example.org", "a!b@example.org",
                      "|sh@example.org", "ä@example.org", "a" * 65 + "@example.org", "a@b@example.org",
                      '"a b"@example.org', "alice@nodots"]),
    (checks.mailbox, ["alice+x@example.org"]),
    (checks.certificate, ["", "acme", "letsencrypt files"]),
    (checks.path, ["", "etc/ssl", "~/x", "/a\n/b"]),
    (checks.mail_directory, ["", "srv/mail", "/", "/srv", "/var", "/var/mail", "/home", "/etc", "/etc/mail", "/usr/x",
                             "/srv/../etc", "/srv/mail/../../var/lib/dpkg", "/tmp", "/var/tmp/x", "/run/mail",
                             "/srv/my mail", "/srv/%d", "/srv/$HOME", "//", "//etc"]),
    (checks.resolver, ["", "google", "local 192.0.2.1", "system local", "192.0.2", "fe80::1%eth0", "192.0.2.53:53"]),
    (checks.relayhost, ["a:b", "[a.example", "a.example]", "[a.example]:0", "[a.example]:65536", "a b", "smtp://a.example",
                        "[a_b]", "2001:db8::1"]),
    (checks.size, ["", "50X", "-1", "1.5G", "M", "1 0M"]),
    (checks.yes_no, ["", "maybe", "ja"]),
    (checks.password, ["", "1234567", "12345678\n", "\x0012345678"]),
    (checks.line, ["a\nb", "a\x00b", "a\x7fb"]),
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
        checks.password(given)
    assert given.strip() not in str(refused.value)


def test_the_first_mailbox_is_in_a_domain_of_ours() -> None:
    assert checks.mailbox_in("A@example.net", "example.org example.net") == "a@example.net"
    with pytest.raises(ValueError, match=r"example\.org or example\.net"):
        checks.mailbox_in("a@example.com", "example.org example.net")


@pytest.mark.parametrize(
    ("given", "number"), [("0", 0), ("1", 1), ("10K", 10240), ("50M", 50 * 1024**2), ("2G", 2 * 1024**3)]
)
def test_byte_count(given: str, number: int) -> None:
    assert checks.byte_count(checks.size(given)) == number
