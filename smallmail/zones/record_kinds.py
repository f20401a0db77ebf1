"""Load dnspython's modules for the kinds of records that answers have, for threads must not load modules: up to Python
3.11, two threads that do may wait for each other for good (CPython issue 91351). dnspython loads one when it is needed.
"""
import contextlib
from typing import Any  # noqa: F401 (in a type comment)

import dns.rdata
import dns.rdataclass
import dns.rdatatype

_load = dns.rdata.get_rdata_class    # type: Any
for _kind in ("A", "AAAA", "CAA", "CNAME", "DNAME", "DNSKEY", "DS", "HINFO", "HTTPS", "MX", "NS", "NSEC", "NSEC3",
              "OPT", "PTR", "RRSIG", "SOA", "SPF", "SRV", "SVCB", "TLSA", "TXT"):
    with contextlib.suppress(dns.rdatatype.UnknownRdatatype):   # this dnspython is older than the kind
        _load(dns.rdataclass.IN, dns.rdatatype.from_text(_kind))
