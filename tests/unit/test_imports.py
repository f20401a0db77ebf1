"""The rooms that most commands import load neither dnspython nor jinja2 nor configobj before they use them."""

from __future__ import annotations

import subprocess
import sys

# `smallmail user list` takes longer to import one of these than to do its work.
SLOW = ["dns", "jinja2", "configobj"]
LIGHT = [
    "dkim.key_format", "dkim.keys", "dkim.rotation", "dkim.signing",
    "tls.certbot", "tls.certificate", "tls.obtain", "tls.rollover", "tls.served", "tls.tlsa",
    "publishing.dns_plan", "publishing.name_servers", "publishing.publish", "publishing.published", "publishing.serves",
]  # fmt: skip


def test_light_modules_load_nothing_slow() -> None:
    code = f"import sys; import {', '.join('smallmail.' + name for name in LIGHT)};" \
        f" print([name for name in {SLOW} if name in sys.modules])"
    said = subprocess.run([sys.executable, "-B", "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"
