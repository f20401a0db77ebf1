"""Installation in chroots, where no service starts: with and without answers, whatever stood there before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.lab import packages, roots
from tests.lab.chroot import Chroot
from tests.lab.installed import dependencies
from tests.support.debian_hosts import install
from tests.support.fixtures import Installed, Record
from tests.support.mail_host import ANSWERS

# What the end result may not depend on: how Postfix's own question was answered, and what was the mail server before.
BEFORE = {
    "Local only": "echo postfix postfix/main_mailer_type select Local only | debconf-set-selections",
    "No configuration": "echo postfix postfix/main_mailer_type select No configuration | debconf-set-selections",
    "exim4 first": "apt-get -y install exim4-daemon-light",
}


def chroot_with(suite: str, deb: Path, layers: Sequence[Path] | None = None) -> Chroot:
    """A minimal Debian (or other layers) with everything at hand that apt needs; the .deb lies in /srv."""
    made = Chroot(layers or roots.warm(suite, deb), f"{suite}-install", network=True)
    made.write("/srv/" + deb.name, deb.read_bytes())
    return made


def configuration(chroot: Chroot) -> str:
    """What apply would compare: the parameters, services and files in force."""
    return chroot.run("postconf -n; postconf -M; cat /etc/postfix/smallmail/* /etc/dovecot/conf.d/*smallmail*"
                      " /etc/rspamd/local.d/* /etc/mailname").stdout


@pytest.mark.parametrize("suite", ["trixie", "bookworm"])
def test_without_any_answer_nothing_is_touched(suite: str, deb: Path, record: Record) -> None:
    with chroot_with(suite, deb) as chroot:
        assert chroot.run("command -v python3", check=False).returncode != 0
        done = install(chroot, deb)
        said = done.stdout + done.stderr
        assert "dpkg-reconfigure smallmail-server" in said
        for noise in ("failed to preconfigure", "Traceback", "exec of", "No such file"):
            assert noise not in said
        assert chroot.run(["dpkg-query", "-W", "-f", "${Status}", "smallmail-server"]).stdout == "install ok installed"
        assert chroot.run("ls -d /etc/smallmail /etc/postfix/smallmail /etc/dovecot/conf.d/*smallmail* /srv/mail"
                          " 2>/dev/null", check=False).stdout == ""
        assert chroot.run("getent passwd vmail", check=False).stdout == ""
        refused = chroot.run("smallmail status", check=False)
        assert refused.returncode == 1 and "dpkg-reconfigure smallmail-server" in refused.stderr
        record(f"installed, {suite} untouched, one command named")

        # The one command, without a terminal but with answers, finishes it.
        packages.preseed(chroot, deb, ANSWERS)
        chroot.run(["dpkg-reconfigure", "smallmail-server"])
        assert "Nothing to do." in chroot.run("smallmail plan").stdout


@pytest.mark.parametrize("suite", ["bullseye", "forky", "stretch"])
def test_other_suites_install_and_report(suite: str, deb: Path, record: Record) -> None:
    reason = roots.available(suite)
    if reason:
        pytest.skip(reason)
    with chroot_with(suite, deb) as chroot:
        packages.preseed(chroot, deb, ANSWERS)
        install(chroot, deb)
        assert "Nothing to do." in chroot.run("smallmail plan").stdout
        screen = chroot.run("smallmail status").stdout
        assert "mx.example.org" in screen and "Problem" not in screen
        for judge in ("postfix check", "doveconf -n >/dev/null", "rspamadm configtest"):
            chroot.run(judge)
        versions = chroot.run("dpkg-query -W -f '${Package} ${Version}  ' postfix dovecot-core rspamd").stdout
        record(f"{suite}: {versions}")


@pytest.mark.parametrize("suite, before", [
    ("trixie", "No configuration"), pytest.param("trixie", "exim4 first", marks=pytest.mark.slow),
    pytest.param("bookworm", "Local only", marks=pytest.mark.slow)])
def test_the_same_result_whatever_was_there_before(suite: str, before: str, deb: Path, record: Record,
                                                   reference: Callable[[str], str]) -> None:
    with chroot_with(suite, deb) as chroot:
        chroot.run(BEFORE[before])
        packages.preseed(chroot, deb, ANSWERS)
        install(chroot, deb)
        assert chroot.run("smallmail plan").stdout.strip() == "Nothing to do."
        assert configuration(chroot) == reference(suite)
        record(f"{suite}: '{before}' ends like 'Internet Site'")


@pytest.fixture(scope="module")
def reference(installed: Installed) -> Callable[[str], str]:
    """The configuration of a host whose Postfix was set up as 'Internet Site', Debian's default, by suite."""
    def get(suite: str) -> str:
        with Chroot(installed(suite), f"{suite}-reference") as chroot:
            return configuration(chroot)
    return get


@pytest.mark.parametrize("suite", ["bookworm"])
def test_a_wrong_answer_is_an_error_that_names_its_question_and_changes_nothing(suite: str, deb: Path) -> None:
    with chroot_with(suite, deb, dependencies(suite, deb)) as chroot:
        packages.preseed(chroot, deb, dict(ANSWERS, hostname="no dots"))
        done = install(chroot, deb, check=False)
        said = done.stdout + done.stderr
        assert done.returncode != 0
        assert "smallmail-server/hostname" in said and "Traceback" not in said
        assert chroot.run("ls /etc/smallmail /etc/dovecot/conf.d/*smallmail* 2>/dev/null", check=False).stdout == ""
        # The right answer is all that it takes.
        packages.preseed(chroot, deb, ANSWERS)
        chroot.run(["dpkg", "--configure", "-a"])
        assert "Nothing to do." in chroot.run("smallmail plan").stdout


@pytest.mark.parametrize("suite", ["bookworm"])
def test_no_password_stays_in_debconf_and_none_is_shown(suite: str, deb: Path) -> None:
    with chroot_with(suite, deb, dependencies(suite, deb)) as chroot:
        secret = "s3cret-of-the-mailbox"
        answers = dict(ANSWERS, password=secret, **{"password-again": secret, "rspamd-password": "s3cret-of-rspamd"})
        packages.preseed(chroot, deb, answers)
        done = install(chroot, deb)
        assert "s3cret" not in done.stdout + done.stderr
        assert chroot.run("grep -rl s3cret /var/cache/debconf /etc /var/lib /var/log", check=False).stdout == ""
        assert "$" in chroot.run("grep rspamd-password /etc/smallmail/smallmail.conf").stdout
