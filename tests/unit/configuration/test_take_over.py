"""What of an earlier configuration stands back while ours is in force."""

from __future__ import annotations

from pathlib import Path

import pytest

from smallmail.configuration import record, take_over, tree
from smallmail.configuration.record import Entry, Record
from smallmail.configuration.tree import OFF, Tree
from smallmail.machine.file import File
from smallmail.machine.host import Host

OURS = Tree({}, {"smtpd_banner": "ours"}, {"smtp/inet": "smtp inet n - y - - smtpd"})
STOCK = "cleanup unix n - y - 0 cleanup\nsmtp unix - - y - - smtp\npickup unix n - y 60 1 pickup\n"


class _Host(Host):
    """A host on which Postfix has these defaults."""

    def run(self, command: list[str], text: str = "") -> str:
        assert command == ["postconf", "-d"]
        return "transport_maps =\nheader_checks = \nsmtp_bind_address =\nproxy_read_maps = $local_recipient_maps $x\n"


def file(text: str) -> File:
    return File(text.encode(), 0o644, "root", "root")


@pytest.fixture()
def host(tmp_path: Path) -> Host:
    made = _Host(str(tmp_path))
    made.write("usr/share/postfix/master.cf.dist", file(STOCK))
    return made


def silenced(host: Host, main: str = "", master: str = "", earlier: Record | None = None) -> Tree:
    host.write("etc/postfix/main.cf", file(main))
    host.write("etc/postfix/master.cf", file(master))
    return take_over.silenced(host, OURS, earlier or record.empty())


def test_what_leads_mail_elsewhere_goes_to_postfixs_default(host: Host) -> None:
    main = "transport_maps = hash:/x\nproxy_read_maps = hash:/y\nsmtpd_banner = theirs\nown_macro = z\nbiff = no\n"
    found = silenced(host, main).parameters
    assert found == {"smtpd_banner": "ours", "transport_maps": "", "proxy_read_maps": "$local_recipient_maps $x"}


def test_what_describes_the_machine_stays(host: Host) -> None:
    main = "smtp_bind_address = 192.0.2.1\nqueue_directory = /big/spool\nproxy_interfaces = 192.0.2.2\n"
    assert silenced(host, main).parameters == OURS.parameters


@pytest.mark.parametrize(
    ("entry", "wanted"),
    [
        ("submissions inet n - y - - smtpd", {"submissions/inet": OFF}),
        ("465 inet n - y - - smtpd", {"465/inet": OFF}),
        ("192.0.2.1:smtp inet n - y - - smtpd", {"192.0.2.1:smtp/inet": OFF}),
        ("[::1]:587 inet n - y - - smtpd", {"[::1]:587/inet": OFF}),
        ("127.0.0.1:10025 inet n - y - - smtpd", {}), ("smtp inet n - y - 1 postscreen", {}),
        ("cleanup unix n - y - 0 cleanup -o header_checks=pcre:/x",
         {"cleanup/unix": "cleanup unix n - y - 0 cleanup"}),
        ("smtp unix - - y - - smtp -o smtp_bind_address=192.0.2.1", {}),
        ("pickup unix n - y 60 1 pickup -o content_filter=x", {"pickup/unix": "pickup unix n - y 60 1 pickup"}),
    ],
)  # fmt: skip
def test_services_beside_ours(host: Host, entry: str, wanted: dict[str, str]) -> None:
    assert silenced(host, master=entry + "\n").services == {**OURS.services, **wanted}


def test_later_the_record_tells_what_was_silenced(host: Host) -> None:
    earlier = record.empty()._replace(originals={"etc/postfix/main.cf": None})
    earlier.entries["parameters"]["transport_maps"] = Entry("hash:/x", "")
    earlier.entries["services"]["465/inet"] = Entry("465 inet n - y - - smtpd", OFF)
    found = silenced(host, "header_checks = pcre:/new\n", "587 inet n - y - - smtpd\n", earlier)
    assert found.parameters == {**OURS.parameters, "transport_maps": ""}, "what the admin adds later is his own"
    assert found.services == {**OURS.services, "465/inet": OFF}


def test_dovecots_files_get_its_own_text(host: Host) -> None:
    host.write("usr/share/dovecot/conf.d/10-auth.conf", file("stock"))
    for name in ("conf.d/10-auth.conf", "local.conf", "conf.d/99-own.conf", "dovecot-sql.conf.ext"):
        host.write("etc/dovecot/" + name, file("theirs = yes"))
    found = silenced(host).files
    assert found["etc/dovecot/conf.d/10-auth.conf"].content == b"stock"
    assert found["etc/dovecot/local.conf"].content.startswith(b"# smallmail keeps what was")
    assert set(found) == {"etc/dovecot/" + name for name in ("conf.d/10-auth.conf", "local.conf", "conf.d/99-own.conf")}


def test_of_rspamds_files_those_that_win_over_ours(host: Host) -> None:
    for name in ("local.d/multimap.conf", "local.d/options.inc", "override.d/options.inc", "override.d/rbl.conf"):
        host.write("etc/rspamd/" + name, file("theirs = yes"))
    target = Tree({"etc/rspamd/local.d/options.inc": file("ours")}, {}, {})
    found = take_over.silenced(host, target, record.empty())
    assert set(found.files) == {"etc/rspamd/local.d/options.inc", "etc/rspamd/override.d/options.inc"}
    assert found.files["etc/rspamd/local.d/options.inc"].content == b"ours"
    assert take_over.taken_over(host, target, record.empty()) >= {"etc/rspamd/local.d/options.inc"}
    later = record.empty()._replace(originals={"etc/postfix/main.cf": None})
    assert take_over.taken_over(host, target, later) == set()


def test_a_file_with_nothing_but_comments_is_no_conflict(host: Host) -> None:
    host.write("etc/rspamd/local.d/worker-proxy.inc", file("# nothing yet\n"))
    target = Tree({"etc/rspamd/local.d/worker-proxy.inc": file("ours")}, {}, {})
    assert take_over.taken_over(host, target, record.empty()) == set(target.files)


def test_an_ordinary_host_has_no_rivals(host: Host) -> None:
    samples = Path(__file__).parents[1] / "daemons/earlier/bookworm/etc/postfix"
    main, master = ((samples / name).read_text() for name in ("main.cf", "master.cf"))
    assert silenced(host, main, master) == tree.Tree(*OURS)
