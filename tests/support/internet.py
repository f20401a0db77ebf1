"""What the internet has and the lab lacks: block lists and big mail providers, as DNS records."""

from __future__ import annotations

from smallmail.check.probes import blocklists, outbound

RECORDS = "".join(f"{each.always}.{each.zone}. A 127.0.0.2\n" for each in blocklists.ADDRESSES + blocklists.DOMAINS) \
    + "".join(f"{domain}. MX 5 mx.example.net.\n" for domain in outbound.PROBES)
