"""The dialogue: what is shown, what is refused, what becomes a setting."""

from __future__ import annotations

from pathlib import Path

import pytest

from smallmail.daemons import foreign
from smallmail.machine import state
from smallmail.settings import ask, fields, questions
from tests.unit.debconf_double import BACK, Debconf

GOOD = {"hostname": "mail.example.org", "domain": "example.org", "address": "alice@example.org"}
HIGH = ["hostname", "domain", "address", "password", "certificate"]

# Of a host that is set up.
FILE = """\
# settings
hostname = mail.example.org
domain = example.org
address = alice@example.org
certificate = self-signed
resolver = 192.0.2.53  # in the rack
rspamd-password = $2$hash
"""


@pytest.fixture(autouse=True)
def a_host_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine that runs the tests says nothing about itself."""
    monkeypatch.setattr(questions, "own_name", lambda root="/": "mail.example.org")
    monkeypatch.setattr(foreign, "described", lambda root="/": [])
    monkeypatch.setattr(state, "in_charge", lambda root="/": False)


def run(db: Debconf, root: Path | str = "/nowhere", reconfigure: bool = False, before: str = "",
        ) -> dict[str, str] | None:
    """The config script, then what postinst reads."""
    db.reconfigure = reconfigure
    ask.Dialogue(db, str(root)).run(reconfigure, before)
    return ask.answers(db.finish(), str(root))


def test_a_newcomer_accepts_what_is_suggested() -> None:
    db = Debconf({})
    assert run(db) == {
        "hostname": "mail.example.org", "domain": "example.org", "address": "postmaster@example.org", "password": "",
        "certificate": "letsencrypt", "acme-email": "postmaster@example.org", "rspamd-password": "",
        "resolver": questions.QUESTIONS["resolver"].suggest(db.get), "mail-directory": "/srv/mail", "relayhost": "",
    }  # fmt: skip
    assert db.shown == HIGH


def test_suggestions_follow_what_was_typed() -> None:
    db = Debconf({"hostname": ["mx1.small.example"]})
    found = run(db)
    assert found is not None
    assert (found["domain"], found["address"]) == ("small.example", "postmaster@small.example")


def test_a_suggestion_follows_when_the_admin_goes_back() -> None:
    db = Debconf({"hostname": ["mx.wrong.example", "mx.right.example"], "address": [BACK], "domain": ["", BACK]})
    db.types["domain"] = ["wrong.example", BACK, "right.example"]
    found = run(db)
    assert found is not None
    assert found["hostname"] == "mx.right.example"
    assert db.shown[:6] == ["hostname", "domain", "address", "domain", "hostname", "domain"]


def test_what_was_typed_is_never_replaced_by_a_suggestion() -> None:
    db = Debconf({"domain": ["other.example"], "address": [BACK, "bob@other.example"]})
    found = run(db)
    assert found is not None
    assert found["domain"] == "other.example"


def test_backing_out_of_the_first_question_asks_it_again() -> None:
    db = Debconf({"hostname": [BACK, BACK, "mail.example.org"]})
    assert run(db) is not None
    assert db.shown[:3] == ["hostname"] * 3


def test_back_passes_over_what_was_answered_before() -> None:
    db = Debconf({"certificate": [BACK, "self-signed"], "password": ["", ""]}).preseed(**GOOD)
    assert run(db) is not None
    assert db.shown == ["password", "certificate", "password", "certificate"]


def test_nobody_asked_and_nothing_preseeded_is_no_answer() -> None:
    assert run(Debconf()) is None
    assert run(Debconf({}, priority="critical")) is None


def test_noninteractive_and_preseeded() -> None:
    db = Debconf().preseed(**GOOD, password="correct horse", certificate="self-signed")
    found = run(db)
    assert found is not None
    assert (found["password"], found["certificate"]) == ("correct horse", "self-signed")
    assert "acme-email" not in found
    assert db.shown == []


def test_a_domain_alone_is_enough_where_the_host_knows_its_name() -> None:
    found = run(Debconf().preseed(domain="example.org"))
    assert found is not None
    assert found["hostname"] == "mail.example.org"


@pytest.mark.parametrize(
    ("name", "text"),
    [("hostname", "mail"), ("domain", "x y"), ("address", "alice@other.example"), ("password", "short"),
     ("resolver", "1.2.3"), ("mail_directory", "/etc"), ("relayhost", "a:b")],
)  # fmt: skip
def test_a_wrong_preseed_ends_in_a_sentence_that_names_it(name: str, text: str) -> None:
    db = Debconf().preseed(**{**GOOD, name: text})
    ask.Dialogue(db, "/nowhere").run(False)
    before = dict(db.values)
    with pytest.raises(ValueError, match="^smallmail-server/" + name.replace("_", "-") + ": "):
        ask.answers(db, "/nowhere")
    assert db.values == before, "the next try must find the answers again"
    assert db.fget(name.replace("_", "-"), "seen") == "true"


def test_a_wrong_preseed_is_asked_for_where_somebody_is_there() -> None:
    db = Debconf({"mail-directory": ["/srv/post"]}).preseed(**GOOD, mail_directory="/etc/mail")
    found = run(db)
    assert found is not None
    assert found["mail-directory"] == "/srv/post"
    assert len(db.said) == 1


def test_wrong_answers_are_refused_until_one_is_right() -> None:
    db = Debconf({"hostname": ["mail", "mail.", "mail.example.org"]})
    found = run(db)
    assert found is not None
    assert found["hostname"] == "mail.example.org"
    assert len(db.said) == 2


def test_a_program_that_answers_wrongly_for_ever_does_not_keep_us() -> None:
    db = Debconf({"hostname": ["mail"] * 1000})
    with pytest.raises(ValueError, match="hostname"):
        run(db)
    assert len(db.said) < 100


def test_the_password_is_typed_twice() -> None:
    db = Debconf({
        "password": ["short", "good enough", "good enough"],
        "password-again": ["good enouhg", "good enough"],
    })  # fmt: skip
    found = run(db)
    assert found is not None
    assert found["password"] == "good enough"
    assert db.said == [
        "the password is too short: use 8 characters or more",
        "the two passwords do not match: type the same one twice",
    ]
    assert db.get("password-again") == ""


def test_no_password_is_told_in_a_message_or_left_in_debconf() -> None:
    secrets = ["tiny", "first try", "good enough", "rspamd secret", "relay secret"]
    db = Debconf(
        {"password": ["tiny", "first try", "good enough"], "password-again": ["x", "good enough"],
         "rspamd-password": ["rspamd secret"], "relayhost": ["[smtp.example.net]:587"], "relay-username": ["bob"],
         "relay-password": ["relay secret"]},
        priority="low",
    )  # fmt: skip
    found = run(db)
    assert found is not None
    assert (found["rspamd-password"], found["relay-password"]) == ("rspamd secret", "relay secret")
    ask.forget_passwords(db)
    left = " ".join([*db.values.values(), *db.substituted])
    assert not [secret for secret in secrets if secret in left]
    assert all(db.fget(question.name, "seen") == "true" for question in questions.QUESTIONS.values() if question.secret)


def test_a_login_at_the_relay_has_a_password() -> None:
    typed = {"relayhost": ["[smtp.example.net]"], "relay-username": ["bob"], "relay-password": ["", "relay secret"]}
    db = Debconf(typed, priority="low")
    found = run(db)
    assert found is not None
    assert found["relay-password"] == "relay secret"
    assert db.said == ["the user name bob needs a password"]


def test_questions_without_a_meaning_are_not_asked(tmp_path: Path) -> None:
    db = Debconf({"certificate": ["files"], "certificate-file": [str(tmp_path / "none"), __file__],
                  "key-file": [__file__]}, priority="low")  # fmt: skip
    found = run(db)
    assert found is not None
    assert "acme-email" not in db.shown
    assert "relay-username" not in db.shown
    assert (found["certificate-file"], len(db.said)) == (__file__, 1)


def test_taking_over_is_asked_only_where_there_is_something_to_take_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign, "described", lambda root="/": ["/etc/postfix/main.cf"])
    db = Debconf({"take-over": ["true"]})
    found = run(db)
    assert found is not None
    assert found["take-over"] == "yes"
    assert db.shown[0] == "take-over"
    assert "/etc/postfix/main.cf" in db.substituted
    unasked = run(Debconf().preseed(**GOOD))
    assert unasked is not None
    assert unasked["take-over"] == "no"
    monkeypatch.setattr(state, "in_charge", lambda root="/": True)
    ours = run(Debconf({}))
    assert ours is not None
    assert "take-over" not in ours


def test_the_config_script_runs_twice_in_an_installation() -> None:
    db = Debconf({"hostname": ["mx.example.org"], "password": ["good enough"], "password-again": ["good enough"]})
    first = run(db)
    shown = list(db.shown)
    assert run(db) == first
    assert db.shown == shown


def test_an_upgrade_asks_nothing_and_answers_nothing(tmp_path: Path) -> None:
    root = settings_file(tmp_path, FILE)
    db = Debconf({}, priority="high")
    assert run(db, root) == {"password": "", "rspamd-password": ""}
    assert db.shown == []


def test_reconfigure_shows_todays_values_and_changes_what_was_answered(tmp_path: Path) -> None:
    root = settings_file(tmp_path, FILE)
    db = Debconf({"domain": ["example.org example.net"]}, priority="low")
    db.preseed(resolver="system", mail_directory="/old")
    found = run(db, root, reconfigure=True)
    assert found is not None
    assert found["domain"] == "example.org example.net"
    assert found["resolver"] == "192.0.2.53", "the file is the truth, not what debconf remembered"
    assert found["mail-directory"] == "/srv/mail", "what the file does not say is the default"
    assert (found["password"], found["rspamd-password"]) == ("", "")
    ask.forget_passwords(db)
    assert run(db, root) == {"password": "", "rspamd-password": ""}


def test_what_debconf_remembers_never_goes_over_the_file(tmp_path: Path) -> None:
    root = settings_file(tmp_path, FILE)
    db = Debconf().preseed(**GOOD, mail_directory="/old", relayhost="[old.example]:25")
    assert run(db, root) == {"password": "", "rspamd-password": ""}


def test_an_answer_given_while_preconfiguring_survives_the_second_run(tmp_path: Path) -> None:
    root = settings_file(tmp_path, FILE.replace("certificate = self-signed\n", ""))
    db = Debconf({"certificate": ["self-signed"]})
    db.preseed(**GOOD)
    assert run(db, root) == {"password": "", "certificate": "self-signed", "rspamd-password": ""}
    assert run(db, root) == {"password": "", "certificate": "self-signed", "rspamd-password": ""}


def test_a_pending_password_survives_a_failed_configuration(tmp_path: Path) -> None:
    db = Debconf().preseed(**GOOD, password="correct horse")
    assert run(db) is not None
    found = run(db, settings_file(tmp_path, FILE))
    assert found is not None
    assert found["password"] == "correct horse"


def settings_file(root: Path, text: str) -> Path:
    path = root / fields.PATH
    path.parent.mkdir(parents=True)
    path.write_text(text, "utf-8")
    return root


def test_a_wrong_value_in_the_file_is_explained_and_mended(tmp_path: Path) -> None:
    root = settings_file(tmp_path, FILE.replace("mail.example.org", "mail"))
    db = Debconf({"hostname": ["mail", "mx.example.org"]})
    found = run(db, root)
    assert found is not None
    assert found["hostname"] == "mx.example.org"
    assert [sentence.partition("'")[0] for sentence in db.said] == ["/etc/smallmail/smallmail.conf: hostname: ", ""]
    assert db.shown == ["hostname"] * 2, "and nothing else, on an upgrade"


def test_a_wrong_value_in_the_file_is_no_answer_where_nobody_is_there(tmp_path: Path) -> None:
    root = settings_file(tmp_path, FILE.replace("mail.example.org", "mail"))
    db = Debconf()
    assert run(db, root) == {"password": "", "rspamd-password": ""}
    assert db.shown == []


def test_an_upgrade_does_not_ask_for_a_name_of_the_former_standard(tmp_path: Path) -> None:
    """The file may have a name that only the former standard allowed: postinst writes down what it meant."""
    root = settings_file(tmp_path, FILE.replace("= mail.example.org", "= \u2603.example"))
    db = Debconf({})
    assert run(db, root, before="0.6.0") == {"password": "", "rspamd-password": ""}
    assert (db.shown, db.said, db.values["hostname"]) == ([], [], "xn--n3h.example")
