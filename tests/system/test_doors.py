"""What others have written down of us still works after an upgrade from a released version.

certbot's hook may be edited by an admin, and systemd keeps the units that it has loaded until a daemon-reload: both
name modules of the version before. apt unpacks the package first and configures it later, and daemons may restart in
between. The tests follow one upgrade, step by step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab import World, packages, released, roots
from tests.lab.acme import Acme
from tests.lab.clients import Server, converse
from tests.lab.errors import until
from tests.lab.installed import installed
from tests.lab.released import Release
from tests.support import letters
from tests.support.certificate_host import ADDRESS, ANSWERS, NAME, CertificateHost
from tests.support.mail_host import BOB, PASSWORD

SOURCE = Path(__file__).parents[2]
ALICE = ANSWERS["address"]
SERVER = Server(NAME, ADDRESS)
HOOK = "/etc/letsencrypt/renewal-hooks/deploy/smallmail"
COMMENT = "# an admin was here"
DAEMONS = ("postfix", "dovecot", "rspamd")
READY = [f"smallmail-ready@{daemon}.service" for daemon in DAEMONS]
TIMED = [f"smallmail-{name}.service" for name in ("certificate", "dkim", "check")]
# Files beside our modules that are not the package's, but for what Python has compiled of them.
STALE = """
    find /usr/lib/python3/dist-packages/smallmail -type f | while read -r file; do
        source=$(echo "$file" | sed -E 's,__pycache__/([^.]+)[.].*[.]pyc$,\\1.py,')
        dpkg-query -L smallmail-server | grep -qxF "$source" || echo "$file"
    done
"""

# 0.1.0 has neither the hook nor these units; from 0.4.0 on they name no module.
RELEASES = [release for release in released.releases(SOURCE) if release.version in ("0.3.0", "0.2.0")]
CASES = [
    pytest.param((suite, release), id=f"{suite}-{release.version}",
                 marks=[] if (suite, release) == ("trixie", RELEASES[0]) else [pytest.mark.slow])
    for release in RELEASES for suite in ("trixie", "bookworm")
]  # fmt: skip


@pytest.fixture(scope="module", params=CASES)
def host(request: pytest.FixtureRequest, deb: Path, world: World, authority: Acme) -> Iterator[CertificateHost]:
    """A host of a released version with a certificate from the world's authority and an edited hook."""
    suite, release = request.param
    if reason := roots.available(suite):
        pytest.skip(reason)
    with CertificateHost(suite, deb, world, authority, layers(suite, release, deb)) as certified:
        certified.publish()
        certified.run_timer()
        certified.machine.run(f"sed -i '2i {COMMENT}' {HOOK}")
        yield certified


def layers(suite: str, release: Release, deb: Path) -> list[Path]:
    """Return the layers of a host with that release, and what the new package needs at hand."""
    return installed(suite, released.rebuilt(SOURCE, release), ANSWERS, needs=deb)


def started(host: CertificateHost, unit: str) -> str:
    """Return what systemd, as it has loaded the unit, starts."""
    return host.machine.run(f"systemctl show -p ExecStart --value {unit}").stdout


def work(host: CertificateHost) -> None:
    """Restart the daemons, start what timers start, and let a letter in and out: all of it must succeed."""
    since = host.machine.run("date +%s").stdout.strip()
    host.machine.run(["systemctl", "restart", *DAEMONS])
    for port in (25, 465, 993, 11334):
        host.machine.wait_port(port)
    host.machine.run(["systemctl", "start", *TIMED])
    shown = host.machine.run(["systemctl", "show", "-p", "Id", "-p", "Result", *READY, *TIMED]).stdout
    assert shown.count("Result=success") == len(READY + TIMED), shown
    noted = host.machine.run(f"journalctl -q --no-pager --since @{since} -u 'smallmail-*'").stdout
    for daemon in DAEMONS:
        assert f"complete the configuration of {daemon}" in noted or f"{daemon} starts with a whole" in noted, noted
    for unwanted in ("Failed", "Traceback", "No module", "error"):
        assert unwanted not in noted, noted
    mail_flows(host, f"at {since}")


def mail_flows(host: CertificateHost, subject: str) -> None:
    """Send a letter in from outside, and one out: both must arrive, the second one signed."""
    def taken() -> bool:
        letter = letters.plain(BOB, ALICE, subject)
        return host.world.send(BOB, ALICE, letter, to=host.machine).code == 250

    def arrived() -> bool:
        connection = host.world.client.imap(SERVER, ALICE, PASSWORD)
        connection.select("INBOX", readonly=True)
        found = connection.search(None, "SUBJECT", f'"{subject}"')[1][0]
        connection.logout()
        return bool(found)

    until(taken, "a letter to be taken", 60)
    until(arrived, "the letter in the mailbox", 60)
    connection = host.world.client.submission(SERVER, ALICE, PASSWORD)
    assert converse(connection, ALICE, BOB, letters.plain(ALICE, BOB, "out " + subject)).code == 250
    connection.quit()
    assert host.world.verify_dkim(host.world.foreign.expect(BOB, "out " + subject))


def renewed(host: CertificateHost) -> bool:
    """Let certbot renew the certificate, which runs the hook. Returns whether another one is served, on all ports."""
    before = host.served()
    host.machine.run("certbot renew --force-renewal --no-random-sleep-on-renew")
    after = host.served()
    return len(after) == 1 and not after & before


def test_the_units_loaded_before_work_on_the_unpacked_package(host: CertificateHost, deb: Path) -> None:
    before = [unit for unit in READY + TIMED if "-m smallmail." in started(host, unit)]
    assert {*READY, "smallmail-certificate.service"} <= set(before)
    packages.offer(host.machine, deb)
    host.machine.run(["dpkg", "--unpack", f"{packages.REPOSITORY}/{deb.name}"])
    for unit in before:
        assert "-m smallmail." in started(host, unit), "systemd has loaded the new one: this test shows nothing"
    work(host)


def test_the_edited_hook_works_on_the_unpacked_package(host: CertificateHost) -> None:
    assert "-m smallmail.acme deploy" in host.machine.read(HOOK)
    assert renewed(host)


def test_the_new_units_work_before_the_package_is_configured(host: CertificateHost) -> None:
    host.machine.run("systemctl daemon-reload")
    for unit in READY + TIMED:
        assert "/usr/lib/smallmail/run" in started(host, unit)
    work(host)


def test_the_upgrade_ends_well(host: CertificateHost, deb: Path, record: Callable[[str], None]) -> None:
    host.machine.run("dpkg --configure -a")
    version = host.machine.run("dpkg-query -W -f '${Version} ${db:Status-Status}' smallmail-server").stdout
    assert version == packages.field(deb, "Version") + " installed"
    assert host.machine.run("systemctl list-units --failed --plain --no-legend").stdout == ""
    work(host)
    assert "Nothing to do." in host.machine.run("smallmail plan", check=False).stdout
    assert host.machine.run(STALE).stdout == "", "left from the version before"
    record("loaded units, new units and configured: restarts, timers and mail, no failure")


def test_the_edited_hook_works_after_the_upgrade(host: CertificateHost, record: Callable[[str], None]) -> None:
    hook = host.machine.read(HOOK)
    assert COMMENT in hook and "-m smallmail.acme deploy" in hook
    assert renewed(host)
    record("served on 25, 465 and 993 after 'certbot renew', by the hook as the admin left it")
