"""What a setting may be that is about what the host sends: the normal form, or one sentence."""

from __future__ import annotations

from typing import Callable

import pytest

from smallmail.settings import sending

RIGHT = [
    (sending.local_senders, "", ""),
    (sending.local_senders, "www-data:Shop@Example.org, @example.net  www-data:shop@example.org",
     "www-data:shop@example.org @example.net"),
    (sending.local_senders, "_nginx:@example.org a@example.org", "_nginx:@example.org a@example.org"),
    (sending.limit, " 0400 ", "400"),
    (sending.limit, "0", "0"),
    (sending.notify, "", ""),
    (sending.notify, " https://ntfy.example.org/topic?a=b ", "https://ntfy.example.org/topic?a=b"),
    (sending.notify, "http://[2001:db8::1]:8080", "http://[2001:db8::1]:8080"),
    (sending.notify, "/usr/local//bin/alarm", "/usr/local/bin/alarm"),
]

WRONG = [
    (sending.local_senders, ["shop", "@nodots", "a b:shop@example.org", "9a:shop@example.org", "a:b:shop@example.org",
                             "a@example.org\x00"]),
    (sending.limit, ["", "-1", "1.5", "many", "12345678", "\u0664"]),
    (sending.notify, ["alarm", "ftp://example.org/", "https://", "https://user:secret@example.org/", "https://a b",
                      "/bin/mail root", "https://example.org/\nx"]),
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
