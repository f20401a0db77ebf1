"""What each service needs so that it reads what changed."""
import subprocess
import time

import pytest

from smallmail.configuration import effects
from smallmail.configuration.plan import SET, Change
from smallmail.daemons import running
from smallmail.machine.host import Host


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
    assert effects.needed([Change(kind, name, SET, None, "x")]) == actions



def test_when_a_process_was_started_is_known_to_a_fraction_of_a_second():
    before = time.time()
    with subprocess.Popen(["sleep", "20"]) as process:
        try:
            newest = max(running._started(Host(), "sleep"))
        finally:
            process.kill()
    assert abs(newest - before) < 0.2
