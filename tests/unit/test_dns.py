"""The records that we tell people to set."""
from smallmail import dns

LONG = "v=DKIM1; k=rsa; p=" + "A" * 392


def made(**changes):
    values = dict(hostname="mx.example.org", domains=["example.org"], addresses=["203.0.113.10", "2001:db8::10"],
                  dkim={"example.org": LONG}, selector="dkim")
    values.update(changes)
    return list(dns.records(**values))


def test_all_that_a_domain_needs():
    assert [(record.name, record.type) for record in made()] == [
        ("mx.example.org", "A"), ("mx.example.org", "AAAA"), ("mx.example.org", "TXT"), ("example.org", "MX"),
        ("example.org", "TXT"), ("dkim._domainkey.example.org", "TXT"), ("_dmarc.example.org", "TXT")]


def test_long_txt_is_split_into_strings_that_join_to_the_value():
    line = next(line for line in dns.zone_text(made()).splitlines() if line.startswith("dkim."))
    parts = line.split('"')[1::2]
    assert "".join(parts) == LONG
    assert all(len(part) <= 255 for part in parts) and len(parts) == 2


def test_one_spf_record_where_the_host_is_the_domain():
    records = made(hostname="example.org")
    assert [record.value for record in records if record.value.startswith("v=spf1")] == ["v=spf1 a -all"]


def test_behind_a_relay_spf_ends_softly():
    assert {record.value[-4:] for record in made(relayhost="[smtp.example.net]") if "spf1" in record.value} == {"~all"}


def test_an_address_that_the_host_cannot_know_is_a_comment():
    lines = dns.zone_text(made(addresses=[])).splitlines()
    assert "; mx.example.org. 3600 IN A " in lines
