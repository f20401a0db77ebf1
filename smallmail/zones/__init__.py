"""What DNS says about the host and its domains, and what that means.

dns_records.py makes the records that mail needs. dns_check.py judges what name servers answer, by meaning and not by
spelling; it relies on meaning.py (DKIM, DMARC, TLSA), tlsa_check.py, doubled.py and spf.py, which reads records by
spf_record.py. All of these are pure: they get the answers. answers.py defines the values in which answers travel.

Two modules ask: authority.py a domain's own name servers, past all caches, and resolver.py the resolver of this host,
as its daemons do. Both load dnspython, which takes a tenth of a second, so all others reach them through asking.py,
which loads it at the first question. visible.py finds the name servers that do not show a record yet, and
points_here.py decides whether the host's name points to this host.

Rooms that publish records, make keys or get certificates call this room, and so does the check. It knows nothing of
settings or daemons.

    authority = asking.authority(["example.org"])
    print(authority.ask("example.org", "MX").values)    # ["10 mx.example.org."]
"""
