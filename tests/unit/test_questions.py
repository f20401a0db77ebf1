"""The questions: their templates, and the config script with the real debconf."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from smallmail.settings import fields, values
from smallmail.settings.questions import QUESTIONS
from tests.unit.debconf_double import templates

DEBIAN = Path(__file__).parents[2] / "debian"

# The priority at which each question is asked (debconf-devel(7)).
PRIORITIES = {
    "hostname": "high", "domain": "high", "address": "high", "password": "high", "certificate": "high",
    "acme-email": "medium", "certificate-file": "high", "key-file": "high", "rspamd-password": "medium",
    "resolver": "medium", "mail-directory": "low", "relayhost": "low", "relay-username": "low",
    "relay-password": "low", "take-over": "critical",
}  # fmt: skip


def test_every_question_has_its_template() -> None:
    found = templates()
    assert set(found) == {*QUESTIONS, "password-again", "wrong-answer", "purge-mail"}
    for name, question in QUESTIONS.items():
        kind = {"take-over": "boolean", "certificate": "select"}.get(name, "password" if question.secret else "string")
        assert found[name]["Type"] == kind
        assert question.priority == PRIORITIES[name]
    assert set(PRIORITIES) == set(QUESTIONS)
    assert found["certificate"]["Choices-C"].split(", ") == list(values.CERTIFICATES)
    assert len(found["certificate"]["__Choices"].split(", ")) == len(values.CERTIFICATES), "debconf pairs them by place"
    assert found["purge-mail"]["Default"] == "false"


def test_a_question_is_a_setting_with_the_same_default() -> None:
    found = templates()
    assert set(QUESTIONS) - {"password"} <= set(fields.FIELDS)
    for name in set(QUESTIONS) - {"password"}:
        default = {"true": "yes", "false": "no"}.get(found[name].get("Default", ""), found[name].get("Default", ""))
        assert default == fields.FIELDS[name].default, name


def test_a_template_reads_well() -> None:
    for name, template in templates().items():
        short, *long = template["_Description"].splitlines()
        assert len(short) <= 55, name
        assert short[-1] == {"boolean": "?", "error": "d"}.get(template["Type"], ":"), name
        assert len(long) <= 20, name
        assert not [line for line in long if len(line) > 81], name


def embedded() -> str:
    """The program in config, as the build makes it."""
    asking = re.search(r"embed.py (\S+) >", (DEBIAN / "rules").read_text("utf-8"))
    assert asking
    command = [sys.executable, str(DEBIAN / "embed.py"), asking.group(1)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_the_embedded_program_compiles_and_fits_into_one_argument() -> None:
    program = embedded()
    compile(program, "config", "exec")
    assert len(program.encode()) < 120_000, "Linux takes 128 KiB (MAX_ARG_STRLEN)"
    assert "\nPYTHON\n" not in program, "the here-document would end there"
    assert "#" + "DEBHELPER#" not in program


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The config script with its templates, and a debconf of its own to run it with."""
    script = tmp_path / "smallmail-server.config"
    text = (DEBIAN / "smallmail-server.config").read_text("utf-8").replace("#ASK#\n", embedded())
    script.write_text(text.replace("/usr/bin/python3", sys.executable))
    script.chmod(0o755)
    translate = ["po2debconf", "--encoding=UTF-8", str(DEBIAN / "smallmail-server.templates")]
    translated = subprocess.run(translate, capture_output=True, text=True, check=True).stdout
    # debconf converts from a named encoding only where Text::Iconv is installed.
    translated = re.sub(r"(?m)^(\w+-\w+)\.UTF-8:", r"\1:", translated)
    (tmp_path / "smallmail-server.templates").write_text("".join(translated.partition("Template:")[1:]))
    (tmp_path / "debconf.conf").write_text(
        "Config: config\nTemplates: templates\n\n"
        f"Name: config\nDriver: File\nFilename: {tmp_path}/config.dat\n\n"
        f"Name: templates\nDriver: File\nFilename: {tmp_path}/templates.dat\n"
    )
    return script


def debconf(config: Path, *command: str, text: str = "", **environment: str) -> str:
    """Run a command on the debconf that belongs to that script. Returns its output."""
    done = subprocess.run(
        command, cwd=config.parent, input=text, capture_output=True, text=True, check=False,
        env={"DEBCONF_SYSTEMRC": str(config.parent / "debconf.conf"), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8",
             "DEBIAN_FRONTEND": "noninteractive", "HOME": str(config.parent), **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def answers(config: Path, *names: str) -> list[str]:
    """What that debconf replies to GET."""
    commands = "".join(f"GET smallmail-server/{name}\n" for name in names)
    return debconf(config, "debconf-communicate", "smallmail-server", text=commands).splitlines()


def test_the_config_script_runs_on_its_own(config: Path) -> None:
    """With the real debconf, where no module of ours can be found but those that it carries."""
    debconf(config, "debconf-set-selections",
            text="smallmail-server smallmail-server/domain string Example.org,EXAMPLE.net\n")
    debconf(config, str(config), "configure", "")
    assert answers(config, "domain", "address") == ["0 example.org example.net", "0 postmaster@example.org"]


def test_a_preseeded_certificate_is_a_value(config: Path) -> None:
    debconf(config, "debconf-set-selections",
            text="smallmail-server smallmail-server/certificate select self-signed\n")
    debconf(config, str(config), "configure", "")
    assert answers(config, "certificate") == ["0 self-signed"]


# What debconf's frontend "editor" starts: keeps the questions, and answers one of them (debconf(7)).
TYPES = """#!/bin/sh
cat "$1" >>shown
sed -i 's/^smallmail-server.certificate=.*/smallmail-server\\/certificate="'"$CHOICE"'"/' "$1"
"""


@pytest.mark.parametrize(
    ("language", "default", "choice"),
    [
        ("", "Let's Encrypt (recommended)", "self-signed (mail programs warn)"),
        ("de", "Let's Encrypt (empfohlen)", "selbst signiert (E-Mail-Programme warnen)"),
    ],
)
def test_a_person_chooses_words_and_the_value_stays(config: Path, language: str, default: str, choice: str) -> None:
    """debconf-devel(7), Choices-C."""
    editor = config.with_name("editor")
    editor.write_text(TYPES)
    editor.chmod(0o755)
    debconf(config, "debconf-set-selections",
            text="smallmail-server smallmail-server/hostname string mail.example.org\n")
    debconf(config, str(config), "configure", "", DEBIAN_FRONTEND="editor", VISUAL=str(editor), EDITOR=str(editor),
            LANGUAGE=language, CHOICE=choice)
    shown = config.with_name("shown").read_text("utf-8")
    assert f'\nsmallmail-server/certificate="{default}"' in shown
    assert choice in " ".join(shown.replace("\n# ", " ").split())
    assert answers(config, "certificate") == ["0 self-signed"]
