"""What each daemon needs so that it reads what changed."""

from __future__ import annotations

import pytest

from smallmail.configuration import effects
from smallmail.configuration.plan import SET, Change


@pytest.mark.parametrize(("kind", "name", "actions"), [
    ("files", "etc/dovecot/conf.d/95-smallmail.conf", {"dovecot": "restart"}),
    ("files", "etc/dovecot/conf.d/95-smallmail-folders.conf", {"dovecot": "restart"}),
    ("files", "etc/dovecot/conf.d/95-smallmail-tls.conf", {"dovecot": "reload"}),
    ("files", "etc/dovecot/conf.d/95-smallmail-mail.conf", {"dovecot": "restart"}),
    ("files", "etc/rspamd/local.d/greylist.conf", {"rspamd": "reload"}),
    ("files", "etc/rspamd/local.d/worker-controller.inc", {"rspamd": "restart"}),
    ("files", "etc/mailname", {"postfix": "reload"}),
    ("files", "etc/letsencrypt/renewal-hooks/deploy/smallmail", {}),
    ("parameters", "myhostname", {"postfix": "reload"}),
    ("parameters", "inet_protocols", {"postfix": "restart"}),
    ("services", "submission/inet", {"postfix": "reload"}),
])
def test_only_what_changed_is_touched(kind: str, name: str, actions: dict[str, str]) -> None:
    assert effects.needed([Change(kind, name, SET, None, "x")]) == actions


def test_dovecot_is_stopped_before_its_mail_moves() -> None:
    """A mailbox of the other layout is empty for it."""
    mail, tls = ("etc/dovecot/conf.d/95-smallmail-mail.conf", "etc/dovecot/conf.d/95-smallmail-tls.conf")
    assert effects.stopped_for([Change("files", tls, SET, None, "x")]) == []
    stopped = effects.stopped_for([Change("files", name, SET, None, "x") for name in (tls, mail)])
    assert [daemon.name for daemon in stopped] == ["dovecot"]
