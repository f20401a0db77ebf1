"""What publishing changes: of each record set, what is wanted, what is there, and what of that is ours."""
import pytest

from smallmail.machine import state
from smallmail.machine.file import File
from smallmail.machine.host import Host
from smallmail.publishing import dns_plan, published, serves
from smallmail.publishing.dns_plan import Change, Entry, Foreign, Place, Present
from tests.golden import zones

MX, SPF = Entry("example.com", "MX", "10 mx.example.com."), Entry("example.com", "TXT", "v=spf1 mx -all")
TLSA = Entry("_25._tcp.mx.example.com", "TLSA", "3 1 1 aa")
KEY = Entry("dkim._domainkey.example.com", "TXT", "v=DKIM1; k=rsa; p=QQ==")


def decided(wanted, there, owned=(), trouble="", replace=()):
    """With what is there as entries; `trouble` is what is wrong with what others wrote."""
    present = {}
    for entry in [*wanted, *owned]:
        present.setdefault((entry.name, entry.type), Present([], 0))
    for entry in there:
        present.setdefault((entry.name, entry.type), Present([], 60)).values.append(entry.value)
        present[entry.name, entry.type] = present[entry.name, entry.type]._replace(ttl=60)
    plan = dns_plan.decide(wanted, present, set(owned), lambda *_: trouble, replace)
    return plan, dns_plan.expected(wanted, present, set(owned))


def other(entry, value):
    return entry._replace(value=value)


def test_nothing_is_there():
    plan, expected = decided([MX, SPF], [])
    assert plan == ([Change(Place("example.com", "MX", ""), [], [MX.value], 3600),
                     Change(Place("example.com", "TXT", "SPF"), [], [SPF.value], 3600)], [], [])
    assert expected == {("example.com", "MX"): [MX.value], ("example.com", "TXT"): [SPF.value]}


@pytest.mark.parametrize("owned", [[], [MX, SPF]])
def test_all_is_there_whoever_wrote_it(owned):
    assert decided([MX, SPF], [SPF, MX], owned)[0] == ([], [], [])


def test_ours_changes_and_keeps_the_ttl():
    new = other(SPF, "v=spf1 mx ~all")
    plan, _ = decided([new], [SPF, other(SPF, "unrelated")], [SPF])
    assert plan.changes == [Change(Place("example.com", "TXT", "SPF"), [SPF.value], [new.value], 60)]
    assert not plan.right and not plan.foreign


def test_ours_that_is_wanted_no_more_goes():
    plan, expected = decided([], [MX, other(MX, "50 backup.example.com.")], [MX])
    assert plan.changes == [Change(Place("example.com", "MX", ""), [MX.value], [], 60)]
    assert expected["example.com", "MX"] == ["50 backup.example.com."]


def test_ours_that_somebody_has_removed_is_put_back_or_forgotten():
    assert decided([MX], [], [MX])[0].changes[0].add == [MX.value]
    assert decided([], [], [MX])[0] == ([], [], [])


@pytest.mark.parametrize("trouble", ["", "it leads elsewhere"])
def test_what_others_wrote_stays(trouble):
    theirs = [other(SPF, "v=spf1 include:example.net -all"), other(SPF, "unrelated")]
    plan, expected = decided([SPF], theirs, trouble=trouble)
    place = Place("example.com", "TXT", "SPF")
    assert not plan.changes
    assert (plan.right, plan.foreign) == (([place], []) if not trouble else
                                          ([], [Foreign(place, [theirs[0].value], trouble)]))
    assert expected["example.com", "TXT"] == [entry.value for entry in theirs][::-1]


def test_theirs_gives_way_where_that_is_asked_for():
    theirs = [other(SPF, "v=spf1 include:example.net -all"), other(SPF, "unrelated")]
    plan, _ = decided([SPF], theirs, trouble="wrong", replace=[("example.com", "TXT")])
    assert plan == ([Change(Place("example.com", "TXT", "SPF"), [theirs[0].value], [SPF.value], 60)], [], [])
    assert decided([], theirs, replace=[("example.com", "TXT")])[0].changes == [], "nothing to put in its place"


def test_beside_ours_there_may_be_theirs():
    plan, _ = decided([MX], [MX, other(MX, "50 backup.example.com.")], [MX])
    assert (plan.changes, plan.right) == ([], [Place("example.com", "MX", "")])


def test_a_tlsa_record_takes_nothing_from_others():
    plan, _ = decided([TLSA], [other(TLSA, "3 1 1 bb")])
    assert plan.changes == [Change(Place(TLSA.name, "TLSA", ""), [], [TLSA.value], 60)]


@pytest.mark.parametrize(("value", "purpose"), [
    ("v=spf1 -all", "SPF"), ("V=SPF1", "SPF"), ("v=spf10 x", "v=spf10 x"), ("v = DMARC1 ;p=none", "DMARC"),
    ("v=DMARC1", "DMARC"), ("v=TLSRPTv1;rua=x", "TLSRPT"), ("anything", "anything"), ("", "")])
def test_texts_of_one_kind(value, purpose):
    assert dns_plan.place(other(SPF, value)) == Place("example.com", "TXT", purpose)


def test_of_which_there_is_one():
    assert dns_plan.place(other(KEY, "k=rsa; p=QQ==")).purpose == "DKIM", "v= may be missing (RFC 6376, 3.6.1)"
    assert dns_plan.has_one(dns_plan.place(KEY)) and dns_plan.has_one(dns_plan.place(SPF))
    assert not dns_plan.has_one(dns_plan.place(TLSA)) and not dns_plan.has_one(dns_plan.place(MX))


JUDGED = [
    ("A", "mx.example.com", "", ["203.0.113.210", "203.0.113.212"], ["203.0.113.210"], ""),
    ("A", "mx.example.com", "", ["203.0.113.212"], ["203.0.113.210"], "203.0.113.210 is missing"),
    ("A", "mx.example.com", "", ["192.0.2.1"], ["203.0.113.210"], "192.0.2.1 is not an address of this host"),
    ("AAAA", "mx.example.com", "", ["2001:db8:113:0::210"], ["2001:db8:113::210"], ""),
    ("SRV", "_imaps._tcp.example.com", "", ["5 0 993 MX.example.com."], ["0 1 993 mx.example.com."], ""),
    ("SRV", "_imaps._tcp.example.com", "", ["0 0 993 old.example.com."], ["0 1 993 mx.example.com."],
     "it does not point to mx.example.com. port 993"),
    ("SRV", "_imap._tcp.example.com", "", ["0 0 143 mx.example.com."], ["0 0 0 ."],
     "it offers this service, which this host does not have"),
    ("SRV", "_imap._tcp.example.com", "", ["1 1 1 ."], ["0 0 0 ."], ""),
    ("TXT", "_smtp._tls.example.com", "TLSRPT", ["v=TLSRPTv1; rua=https://x.example"], ["v=TLSRPTv1; rua=y"], ""),
    ("TXT", "_smtp._tls.example.com", "TLSRPT", ["v=TLSRPTv1"], ["v=TLSRPTv1; rua=y"],
     "it has no address for reports (rua=)"),
    ("TXT", "_smtp._tls.example.com", "TLSRPT", ["v=TLSRPTv1; rua=a"] * 2, ["v=TLSRPTv1; rua=y"],
     "there are 2 TLSRPT records, so none of them counts"),
    ("TXT", "_smtp._tls.example.com", "TLSRPT", ["v=TLSRPTv1; rua"], ["v=TLSRPTv1; rua=y"],
     "the record cannot be read: 'rua' is not of the form tag=value"),
    ("TXT", "_dmarc.example.com", "DMARC", ["v=DMARC1; p=reject"], ["v=DMARC1; p=none"], ""),
    ("TXT", "_dmarc.example.com", "DMARC", ["v=DMARC1"], ["v=DMARC1; p=none"], "it has no policy (p=)"),
    ("TXT", KEY.name, "DKIM", ["p=QQ=="], [KEY.value], ""),
    ("TXT", KEY.name, "DKIM", ["p=Qg=="], [KEY.value], "the published key is not the one that signs here"),
    ("TLSA", TLSA.name, "", ["3 1 1 bb"], [TLSA.value], "it lacks 3 1 1 aa"),
    ("MX", "example.com", "", [], [MX.value], ""),      # by all that `dns check` knows: the zone is a good one
]


@pytest.mark.parametrize(("kind", "name", "purpose", "values", "wanted", "trouble"), JUDGED)
def test_does_what_others_wrote_serve(kind, name, purpose, values, wanted, trouble):
    judge = serves.Judge(zones.wanted(), zones.asking(zones.text("correct-extras")), zones.healthy)
    assert judge.trouble(Place(name, kind, purpose), values, wanted) == trouble


def test_the_note_on_what_is_ours(tmp_path):
    host = Host(str(tmp_path))
    host.directory(state.FOLDER)
    assert published.load(host) == {}
    owned = {MX: "example.com", other(SPF, "v=spf1 \u2026"): "example.com"}
    published.save(host, owned)
    assert published.load(host) == owned
    path = tmp_path / state.PUBLISHED
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.stat().st_ino
    published.save(host, dict(reversed(owned.items())))
    assert path.stat().st_ino == before, "no news"


@pytest.mark.parametrize("text", ["{", "null", '{"name": "x"}', '[{"name": "x"}]', "[1]",
                                  '[{"zone": "z", "name": "n", "type": "A", "value": "v"}, {"name": "x"}]'])
def test_a_note_that_somebody_has_edited_makes_nothing_ours(tmp_path, text):
    host = Host(str(tmp_path))
    host.write(state.PUBLISHED, File(text.encode(), 0o600, "root", "root"))
    assert published.load(host) == {}
