"""What counts as an admin's own mail configuration. daemons/earlier holds what Debian's packages leave behind when
they are installed (bookworm, trixie) or bring along (bullseye, forky), without its comments."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from smallmail.configuration import record
from smallmail.configuration.record import Entry, Record
from smallmail.daemons import foreign
from smallmail.machine import state

SAMPLES = Path(__file__).parent / "earlier"
SUITES = sorted(path.name for path in SAMPLES.iterdir())
MAIN, MASTER = "etc/postfix/main.cf", "etc/postfix/master.cf"


@pytest.fixture()
def root(tmp_path: Path) -> Path:
    """A host with bookworm's Postfix, as installed."""
    shutil.copytree(SAMPLES / "bookworm", tmp_path, dirs_exist_ok=True)
    return tmp_path


def add(root: Path, path: str, text: str) -> None:
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("a") as stream:
        stream.write(text)


@pytest.mark.parametrize("suite", SUITES)
def test_what_debian_leaves_is_nobodys(suite: str) -> None:
    assert foreign.described(str(SAMPLES / suite)) == []


def test_an_empty_host(tmp_path: Path) -> None:
    assert foreign.described(str(tmp_path)) == []
    assert not state.in_charge(str(tmp_path))


# What Postfix's own questions and postinst set (postfix.postinst of bullseye to forky).
@pytest.mark.parametrize(
    "line",
    [
        "inet_interfaces = loopback-only", "default_transport = error", "relay_transport = error",
        "relayhost = smtp.example.net", "mydestination = $myhostname, example.org", "mynetworks = 10.0.0.0/8",
        "myorigin = /etc/mailname", "inet_protocols = ipv4", "mailbox_size_limit = 1000", "recipient_delimiter =",
        'mailbox_command = procmail -a "$EXTENSION"', "alias_maps = hash:/etc/aliases, nis:mail.aliases",
        "alias_maps = cdb:/etc/aliases", "readme_directory = /usr/share/doc/postfix", "mydomain = example.org",
        "smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, defer_unauth_destination",
        "smtpd_use_tls=yes", "# virtual_mailbox_domains = example.org",
    ],
)  # fmt: skip
def test_answers_to_postfixs_own_questions_are_no_configuration_of_the_admins(root: Path, line: str) -> None:
    add(root, MAIN, line + "\n")
    assert foreign.described(str(root)) == []


@pytest.mark.parametrize(
    "line",
    [
        "virtual_mailbox_domains = example.org", "smtpd_tls_cert_file = /etc/ssl/mine.pem", "home_mailbox = Maildir/",
        "smtpd_relay_restrictions = permit_mynetworks,\n  reject_unauth_destination",
        "smtpd_milters = inet:localhost:11332",
        "mailbox_command = /usr/lib/dovecot/deliver", "alias_maps = hash:/etc/aliases ldap:/etc/postfix/l.cf",
        "smtpd_banner = $myhostname ESMTP", "content_filter = amavis:[127.0.0.1]:10024", "biff = yes",
    ],
)  # fmt: skip
def test_an_admins_parameters_are_found(root: Path, line: str) -> None:
    add(root, MAIN, line + "\n")
    assert foreign.described(str(root)) == [f"/etc/postfix/main.cf (1 parameter: {line.split(maxsplit=1)[0]})"]


@pytest.mark.parametrize(
    "entry",
    [
        "submission inet n - y - - smtpd\n  -o smtpd_sasl_auth_enable=yes\n", "smtps inet n - y - - smtpd\n",
        "127.0.0.1:10025 inet n - y - - smtpd\n", "smtp inet n - y - 1 postscreen\n",
        "smtp inet n - y - - smtpd\n  -o content_filter=spamd\n", "dovecot unix - n n - - pipe\n  flags=D argv=/x\n",
    ],
)  # fmt: skip
def test_an_admins_services_are_found(root: Path, entry: str) -> None:
    add(root, MASTER, entry)
    assert foreign.described(str(root)) == [f"/etc/postfix/master.cf (1 service: {entry.split(maxsplit=1)[0]})"]


def test_a_chroot_column_or_a_comment_makes_no_service_the_admins(root: Path) -> None:
    text = (root / MASTER).read_text()
    unchrooted = text.replace("-       y       -", "-       n       -")
    assert unchrooted != text
    (root / MASTER).write_text("#submission inet n - y - - smtpd\n" + unchrooted)
    assert foreign.described(str(root)) == []


def test_dovecots_files_are_known_by_ucf(root: Path) -> None:
    stock = "protocols = imap\n"
    add(root, "etc/dovecot/dovecot.conf", stock)
    add(root, "etc/dovecot/conf.d/10-ssl.conf", stock)
    hashes = {hashlib.md5(stock.encode()).hexdigest(): ["/etc/dovecot/dovecot.conf", "/etc/dovecot/conf.d/10-ssl.conf"]}
    add(root, "var/lib/ucf/hashfile", "".join(f"{md5}  {path}\n" for md5, paths in hashes.items() for path in paths))
    assert foreign.described(str(root)) == []
    add(root, "etc/dovecot/conf.d/10-ssl.conf", "ssl = no\n")
    add(root, "etc/dovecot/local.conf", "mail_location = maildir:~/Maildir\n")
    add(root, "etc/dovecot/conf.d/99-mine.conf", "log_path = /x\n")
    assert foreign.described(str(root)) == [
        "/etc/dovecot/local.conf", "/etc/dovecot/conf.d/10-ssl.conf", "/etc/dovecot/conf.d/99-mine.conf",
    ]  # fmt: skip


def test_a_file_of_dovecots_in_which_all_was_commented_out_is_changed(root: Path) -> None:
    add(root, "etc/dovecot/conf.d/10-auth.conf", "#!include auth-system.conf.ext\n")
    md5 = hashlib.md5(b"!include auth-system.conf.ext\n").hexdigest()
    add(root, "var/lib/ucf/hashfile", f"{md5}  /etc/dovecot/conf.d/10-auth.conf\n")
    assert foreign.described(str(root)) == ["/etc/dovecot/conf.d/10-auth.conf"]


def test_what_says_nothing_in_dovecots_folder_is_nothing(root: Path) -> None:
    add(root, "etc/dovecot/local.conf", "# nothing yet\n\n")
    add(root, "etc/dovecot/conf.d/10-auth.conf.ucf-dist", "x = y\n")
    add(root, "etc/dovecot/conf.d/10-auth.conf.dpkg-old", "x = y\n")
    add(root, "etc/dovecot/conf.d/README", "x = y\n")
    add(root, "etc/dovecot/private/dovecot.pem", "x\n")
    assert foreign.described(str(root)) == []


def test_many_things_are_counted(root: Path) -> None:
    add(root, MAIN, "".join(f"virtual_{name} = x\n" for name in "abcdef"))
    for number in range(7):
        add(root, f"etc/dovecot/conf.d/{number}.conf", "x = y\n")
    assert foreign.described(str(root)) == [
        "/etc/postfix/main.cf (6 parameters: virtual_a, virtual_b, virtual_c, virtual_d and others)",
        *(f"/etc/dovecot/conf.d/{number}.conf" for number in range(4)), "3 more files in /etc/dovecot",
    ]  # fmt: skip


def test_rspamds_folders_for_the_admin_are_the_admins(root: Path) -> None:
    add(root, "etc/rspamd/local.d/options.inc", "dns { nameserver = [\"192.0.2.53\"]; }\n")
    add(root, "etc/rspamd/override.d/empty.conf", "# nothing\n")
    add(root, "etc/rspamd/worker-proxy.inc", "a conffile of Rspamd's\n")
    assert foreign.described(str(root)) == ["/etc/rspamd/local.d/options.inc"]


def test_what_a_removal_left_of_ours_is_not_the_admins_own(root: Path) -> None:
    add(root, "etc/rspamd/local.d/options.inc", "edited\n")
    add(root, "var/lib/smallmail/ucf-files", "/etc/rspamd/local.d/options.inc\n")
    assert foreign.described(str(root)) == []


EXIM = "etc/exim4/update-exim4.conf.conf"


@pytest.mark.parametrize(
    ("kind", "names", "own"),
    [
        ("local", "", False), ("none", "", False), ("local", "mx.example.org", False),
        ("local", "mx.example.org : localhost", False), ("local", "mx:example.org", True), ("internet", "", True),
        ("smarthost", "mx.example.org", True), ("satellite", "", True),
    ],
)  # fmt: skip
def test_exim_for_more_than_local_mail_is_the_admins(root: Path, kind: str, names: str, own: bool) -> None:
    add(root, "etc/hostname", "mx\n")
    add(root, EXIM, f"# /etc/exim4\ndc_eximconfig_configtype='{kind}'\ndc_other_hostnames='{names}'\n")
    assert foreign.described(str(root)) == [f"/{EXIM} (Exim)"] * own


def test_a_whole_configuration_for_exim_is_the_admins(root: Path) -> None:
    add(root, "etc/exim4/exim4.conf", "primary_hostname = mx.example.org\n")
    assert foreign.described(str(root)) == ["/etc/exim4/exim4.conf (Exim)"]


def test_our_record_says_that_the_host_is_ours(root: Path) -> None:
    assert not state.in_charge(str(root))
    add(root, state.RECORD, "x\n")
    assert state.in_charge(str(root))


def test_what_was_changed_of_ours_is_told_from_what_an_admin_made_himself(root: Path) -> None:
    """A removal leaves the first in place, and the record of it."""
    add(root, MAIN, "message_size_limit = 77777777\n")
    add(root, MASTER, "submission inet n - y - - smtpd\n  -o syslog_name=postfix/mine\n")
    add(root, "etc/dovecot/conf.d/95-smallmail.conf", "login_greeting = mine\n")
    items = foreign.described(str(root))
    assert [words.split()[0] for words in items] == [
        "/" + MAIN, "/" + MASTER, "/etc/dovecot/conf.d/95-smallmail.conf"]
    entries = {"parameters": ["message_size_limit"], "services": ["submission/inet"],
               "files": ["etc/dovecot/conf.d/95-smallmail.conf"]}  # fmt: skip
    left = Record({kind: {name: Entry(None, "ours") for name in names} for kind, names in entries.items()}, {}, {},
                  {})
    add(root, state.LEFT, record.dumps(left))
    assert foreign.described(str(root)) == []
    add(root, MAIN, "virtual_mailbox_domains = example.org\n")
    assert [words.split()[0] for words in foreign.described(str(root))] == ["/" + MAIN]
