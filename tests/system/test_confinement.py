"""Daemons and smallmail's own units are confined, and mail flows; no user of the host changes what root's jobs do."""

from __future__ import annotations

import pytest

from tests.lab.errors import until
from tests.support.mail_host import ALICE, MailHost

# What `systemd-analyze security` says at most. Without the network and with it, root's own jobs differ.
GOALS = {
    "smallmail-redis": 1.5, "rspamd": 3.0, "dovecot": 4.0, "smallmail-learn": 2.0, "smallmail-ready@dovecot": 2.1,
    "smallmail-dkim": 2.1, "smallmail-check": 2.5, "smallmail-certificate": 3.2,
}  # fmt: skip
POSTFIX = 4.0
TEACHING = b" ".join(b"word%d" % number for number in range(60))
FORGED = ("X-Spam", "X-Spam-Status", "X-Spam-Flag", "X-Spam-Score", "Received-SPF")
OUT_OF_MEMORY = "fe6faa94e7774663a0da52717891d8ef"


def exposure(host: MailHost, unit: str) -> float:
    said = host.machine.run(f"systemd-analyze security --no-pager {unit}.service | tail -1").stdout
    return float(said.partition(": ")[2].split()[0])


def letter(subject: str, headers: str = "") -> bytes:
    return (f"{headers}From: bob@example.net\r\nTo: {ALICE}\r\nSubject: {subject}\r\nMessage-ID: <{subject}@x>\r\n"
            "Date: Thu, 26 Nov 2026 20:00:00 +0000\r\n\r\n").encode() + TEACHING + b"\r\n"


@pytest.fixture
def user(host: MailHost) -> str:
    """An ordinary user of the machine."""
    host.machine.run("id mallory 2>/dev/null || useradd -m mallory")
    return "runuser -u mallory -- "


@pytest.mark.parametrize("unit", list(GOALS))
def test_a_unit_can_do_little(host: MailHost, unit: str) -> None:
    assert exposure(host, unit) <= GOALS[unit]


def test_postfix_can_do_little(host: MailHost) -> None:
    """Up to bookworm its processes are in an instance of a template."""
    template = host.machine.run("systemctl cat postfix.service").stdout.count("ExecStart=/bin/true")
    assert exposure(host, "postfix@-" if template else "postfix") <= POSTFIX


def test_a_confined_host_takes_sends_and_learns(host: MailHost, user: str) -> None:
    host.world.send("bob@example.net", ALICE, letter("confined-in"), to=host.server)
    host.expect("INBOX", "confined-in")
    learned = host.learned()["spam"]
    host.move("INBOX", "confined-in", "Junk")
    host.wait(lambda: host.learned()["spam"] > learned, "Rspamd to learn")
    sendmail = f"sendmail -i {ALICE}"
    host.machine.run(f"printf 'Subject: by-mallory\\n\\nx\\n' | {user}{sendmail}")
    host.machine.run(f"printf 'Subject: by-root\\n\\nx\\n' | {sendmail}")
    host.expect("INBOX", "by-mallory")
    host.expect("INBOX", "by-root")


def test_roots_jobs_run_confined(host: MailHost) -> None:
    for unit in ("smallmail-certificate", "smallmail-dkim", "smallmail-check", "smallmail-backup"):
        host.machine.run(f"systemctl start {unit}")
    host.machine.run("rm -r /var/backups/smallmail /var/lib/smallmail/backup.json")
    for daemon in ("rspamd", "dovecot", "postfix"):
        host.machine.run(f"systemctl start smallmail-ready@{daemon}")


def test_strangers_give_no_verdict(host: MailHost) -> None:
    headers = "".join(f"{name}: No\r\n" for name in FORGED)
    host.world.send("bob@example.net", ALICE, letter("verdict", headers), to=host.server)
    message = host.expect("INBOX", "verdict")
    assert [name for name in FORGED if message[name]] == []


def test_a_user_holds_no_lock(host: MailHost, user: str) -> None:
    assert not host.machine.run(f"{user}find /var/lib/smallmail/locks -mindepth 1", check=False).stdout
    tried = host.machine.run(f"{user}flock -n /var/lib/smallmail/locks/lock true", check=False)
    assert "Permission denied" in tried.stderr + tried.stdout


def test_a_process_called_apt_stops_no_timer(host: MailHost, user: str) -> None:
    host.machine.run("install -m 755 /bin/sleep /tmp/apt")
    host.machine.run(f"{user}sh -c '/tmp/apt 20 >/dev/null 2>&1 &'")
    assert "apt" in host.machine.run("cat /proc/[0-9]*/comm", check=False).stdout.split()
    host.machine.run("/usr/lib/smallmail/idle")


def test_dpkg_at_work_stops_the_timers(host: MailHost) -> None:
    held = host.machine.run(["python3", "-c", "import fcntl, subprocess, sys\n"
                             "lock = open('/var/lib/dpkg/lock', 'a')\nfcntl.lockf(lock, fcntl.LOCK_EX)\n"
                             "sys.exit(subprocess.call(['/usr/lib/smallmail/idle']))"], check=False)
    assert held.returncode == 1


def test_a_user_forges_no_entry_of_the_journal(host: MailHost, user: str) -> None:
    host.machine.run(f"printf 'MESSAGE_ID={OUT_OF_MEMORY}\\nMESSAGE=x\\nUNIT=postfix.service\\n'"
                     f" | {user}logger --journald")
    forged = f"journalctl -q -o cat MESSAGE_ID={OUT_OF_MEMORY}"
    until(lambda: host.machine.run(forged).stdout, "the forged entry", 10)
    assert "memory ran out" not in host.machine.run("smallmail check host", check=False).stdout


def test_debians_own_store_is_off_until_an_admin_wants_it(host: MailHost) -> None:
    run = host.machine.run
    listens = "ss -Hltn 'sport = :6379'"
    unit = run("command -v valkey-server >/dev/null && echo valkey-server || echo redis-server").stdout.strip()
    assert run(listens).stdout == ""
    assert run(f"systemctl is-enabled {unit}", check=False).stdout == "disabled\n"
    assert f"{unit}.service is disabled" in host.said
    run(f"deb-systemd-invoke restart {unit}.service")   # as an upgrade of its package does
    assert run(listens).stdout == ""
    note = f"Note: {unit}.service listens on 127.0.0.1:6379 without a password"
    assert note not in run("smallmail check security", check=False).stdout
    run(f"systemctl enable --now {unit}")
    try:
        run("/usr/lib/smallmail/run triggered /usr/sbin/postfix")
        assert run(listens).stdout
        assert note in run("smallmail check security").stdout
    finally:
        run(f"systemctl disable --now {unit}")


def test_a_user_takes_no_port_of_the_mail(host: MailHost, user: str) -> None:
    run = host.machine.run
    listen = "python3 -c 'import socket, sys; socket.create_server((sys.argv[1], int(sys.argv[2])), reuse_port=True)' "
    for port in (325, 326, 327, 879):
        assert "Permission denied" in run(f"{user}{listen} 127.0.0.2 {port}", check=False).stderr
    session = "systemd-run -q --wait --collect --pipe -p User=mallory --slice=user-$(id -u mallory).slice "
    run(f"{session}{listen} 127.0.0.2 4191")
    if "+BPF_FRAMEWORK" in run("systemctl --version").stdout:   # Debian 13
        for port in (11334, 8461):
            assert "Operation not permitted" in run(f"{session}{listen} 127.0.0.2 {port}", check=False).stderr
    run("systemctl stop dovecot")
    try:
        for address in ("127.0.0.1", "0.0.0.0"):  # noqa: S104 (any address)
            assert "Address already in use" in run(f"{user}{listen} {address} 4190", check=False).stderr
        assert run("systemctl is-active dovecot", check=False).stdout == "inactive\n", "a client does not start it"
    finally:
        run("systemctl start dovecot")
        host.machine.wait_port(4190)


def test_the_port_is_kept_after_dovecot_failed_for_good(host: MailHost) -> None:
    run, limit = host.machine.run, "/run/systemd/system/dovecot.service.d/limit.conf"
    host.machine.write(limit, "[Unit]\nStartLimitIntervalSec=1h\nStartLimitBurst=1\n")
    try:
        run("systemctl daemon-reload; for time in 1 2 3; do systemctl restart dovecot; done", check=False)
        assert run("systemctl show -p Result dovecot").stdout == "Result=start-limit-hit\n"
        host.smallmail("apply")     # systemd refuses a start; smallmail does not take that for an answer
        host.machine.wait_port(4190)
        assert run("systemctl is-active dovecot smallmail-sieve.socket", check=False).stdout == "active\nactive\n"
    finally:
        run(f"rm {limit}; systemctl daemon-reload; systemctl reset-failed dovecot; systemctl start dovecot")
