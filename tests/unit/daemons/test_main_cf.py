"""Reading Postfix's two files as Postfix reads them (postconf(5), master(5))."""

from __future__ import annotations

from smallmail.daemons import main_cf

MAIN = """\
# a comment
myhostname = mail.example.org
mydestination = $myhostname,
# a comment in between
    localhost

smtpd_banner=x = y
  # an indented comment
empty =
myhostname = later.example.org
"""

MASTER = """\
smtp      inet  n       -       y       -       -       smtpd
submission inet n       -       y       -       -       smtpd
  -o syslog_name=postfix/submission
#  -o commented=out
  -o { smtpd_recipient_restrictions = permit_sasl_authenticated, reject }
"""


def test_main_cf() -> None:
    assert main_cf.parse_main(MAIN) == {
        "myhostname": "later.example.org",
        "mydestination": "$myhostname, localhost",
        "smtpd_banner": "x = y",
        "empty": "",
    }


def test_master_cf() -> None:
    assert main_cf.parse_master(MASTER) == {
        "smtp/inet": "smtp inet n - y - - smtpd",
        "submission/inet": "submission inet n - y - - smtpd -o syslog_name=postfix/submission"
                           " -o { smtpd_recipient_restrictions = permit_sasl_authenticated, reject }",
    }


def test_lines_that_are_neither_parameter_nor_service_are_named() -> None:
    main, master = "# a comment\na = b\nnonsense line\n", "smtp inet n - y - - smtpd\n  -o a=b\nsmtp inet\n"
    assert main_cf.unread(main, master) == ["nonsense line", "smtp inet"]
