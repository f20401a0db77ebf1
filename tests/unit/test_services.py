"""What each service needs so that it reads what changed."""
import pytest

from smallmail import services
from smallmail.plan import SET, Change


@pytest.mark.parametrize("kind, name, actions", [
    ("files", "etc/dovecot/conf.d/95-smallmail.conf", {"dovecot": "reload"}),
    ("files", "etc/rspamd/local.d/greylist.conf", {"rspamd": "reload"}),
    ("files", "etc/rspamd/local.d/worker-controller.inc", {"rspamd": "restart"}),
    ("files", "etc/mailname", {"postfix": "reload"}),
    ("parameters", "myhostname", {"postfix": "reload"}),
    ("parameters", "inet_protocols", {"postfix": "restart"}),
    ("services", "submission/inet", {"postfix": "reload"}),
])
def test_only_what_changed_is_touched(kind, name, actions):
    assert services.needed([Change(kind, name, SET, None, "x")]) == actions

