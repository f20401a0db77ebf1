"""debian/ holds together: with setup.py, by stdeb's second opinion; with the questions; its scripts keep to theirs."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from debian.deb822 import Deb822, PkgRelation

import smallmail
from smallmail.settings import fields, values
from smallmail.settings.questions import QUESTIONS
from tests.unit.debconf_double import templates

SOURCE = Path(__file__).parents[2]
DEBIAN = SOURCE / "debian"

# DESIGN 5.
PRIORITIES = {
    "hostname": "high", "domain": "high", "address": "high", "password": "high", "certificate": "high",
    "acme-email": "medium", "certificate-file": "high", "key-file": "high", "rspamd-password": "medium",
    "resolver": "medium", "mail-directory": "low", "relayhost": "low", "relay-username": "low",
    "relay-password": "low", "take-over": "critical",
}  # fmt: skip

# What the code imports beyond Python's own, and the package that has it.
MODULES = {
    "apt_pkg": "python3-apt", "configobj": "python3-configobj", "debconf": "python3-debconf",
    "dns": "python3-dnspython", "jinja2": "python3-jinja2",
}  # fmt: skip


def control(path: Path) -> tuple[Deb822, Deb822]:
    """The source's and the package's paragraph."""
    with path.open(encoding="utf-8") as stream:
        source, package = Deb822.iter_paragraphs(stream)
    return source, package


def names(field: str) -> set[str]:
    """All packages in a field of relations, alternatives too."""
    return {one["name"] for group in PkgRelation.parse_relations(field) for one in group if "$" not in one["name"]}


def test_there_is_one_version() -> None:
    first = (DEBIAN / "changelog").read_text("utf-8").splitlines()[0]
    assert first.startswith(f"smallmail-server ({smallmail.__version__}) ")
    command = [sys.executable, "setup.py", "--version"]
    said = subprocess.run(command, cwd=SOURCE, capture_output=True, text=True, check=True)
    assert said.stdout.split()[-1] == smallmail.__version__


def test_stdeb_would_make_the_same_package(tmp_path: Path) -> None:
    pytest.importorskip("stdeb", reason="python3-stdeb is not installed")
    for name in ("setup.py", "stdeb.cfg", "smallmail"):
        (shutil.copytree if name == "smallmail" else shutil.copy)(SOURCE / name, tmp_path / name)
    (tmp_path / "debian").mkdir()
    shutil.copy(DEBIAN / "changelog", tmp_path / "debian")  # setup.py has the version from it
    subprocess.run(
        [sys.executable, "setup.py", "--quiet", "--command-packages=stdeb.command", "debianize"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    (source, package), (theirs, their_package) = control(DEBIAN / "control"), control(tmp_path / "debian/control")
    for field in ("Source", "Maintainer", "Section", "Priority"):
        assert theirs[field] == source[field]
    for field in ("Package", "Architecture"):
        assert their_package[field] == package[field]
    assert their_package["Description"].splitlines()[0] == package["Description"].splitlines()[0]
    assert names(their_package["Depends"]) <= names(package["Depends"])
    assert {package for package in names(their_package["Depends"]) if package.startswith("python3-")} == {
        name for name in names(package["Depends"]) if name.startswith("python3-")
    }


def test_what_is_imported_is_depended_on() -> None:
    imported = set()
    for path in (SOURCE / "smallmail").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add((node.module or "").partition(".")[0])
    foreign = imported - set(sys.stdlib_module_names) - {"smallmail"}
    source, package = control(DEBIAN / "control")
    assert {MODULES[name] for name in foreign} <= names(package["Depends"])
    assert {MODULES[name] for name in foreign} <= names(source["Build-Depends"]), "the manual pages are made by it"


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


CODE = {
    "config": r"""
        set\ -e|\.\ /usr/share/debconf/confmodule
        |/usr/bin/python3\ -I\ -c\ 'import\ debconf'\ 2>/dev/null\ \|\|\ exit\ 0
        |exec\ /usr/bin/python3\ -I\ -c\ "\$\(cat\ <<'PYTHON'|\#ASK\#|PYTHON|\)"\ "\$@"
        """,
    "postinst": r"""
        set\ -e|\.\ /usr/share/debconf/confmodule|\#DEBHELPER\#|if\ \[\ "\$1"\ =\ triggered\ \];\ then|exit\ 0|fi
        |if\ \[\ -z\ "\$\{DEBCONF_RECONFIGURE:-\}"\ \];\ then|:
        |case\ "\$1"\ in|[a-z|\ -]+\)|;;|esac|/usr/lib/smallmail/run\ \w+\ "\$[@2]"
        """,
    "prerm": r"""
        set\ -e|\#DEBHELPER\#|if\ \[\ "\$1"\ =\ remove\ \];\ then|fi
        |/usr/lib/smallmail/run\ remove\ \|\||echo\ "[^"$]+"\ >&2
        """,
}


@pytest.mark.parametrize("name", list(CODE))
def test_a_shim_does_nothing_but_call_python(name: str) -> None:
    text = (DEBIAN / f"smallmail-server.{name}").read_text("utf-8")
    assert text.startswith("#!/bin/sh\n")
    for line in map(str.strip, text.splitlines()[1:]):
        comment = line.startswith("# ") or not line
        assert comment or re.fullmatch(CODE[name], line, re.VERBOSE), f"{name}: this belongs into Python: {line}"


def test_postinst_knows_triggers_before_debconf() -> None:
    text = (DEBIAN / "smallmail-server.postinst").read_text("utf-8")
    assert text.index("triggered") < text.index(". /usr/share/debconf/confmodule")


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


def postrm_says_of(directory: str, tmp_path: Path) -> str:
    """The folder that postrm would empty, when that name stands in its file."""
    text = (DEBIAN / "smallmail-server.postrm").read_text("utf-8")
    function = text[text.index("mail_directory() {") : text.index("# Ask whether to delete mail")]
    (tmp_path / "mail-directory").write_text(directory + "\n")
    script = f"set -e; STATE='{tmp_path}'; {function}\nmail_directory"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize(
    "directory",
    [*values.SYSTEM_FOLDERS, *values.SHARED_FOLDERS, *(folder + "/x11" for folder in values.SYSTEM_FOLDERS), "",
     "srv/mail", "/srv/", "/srv/.", "/srv/../etc", "/srv/..", "//", "/srv//mail", "/srv/a b", "/srv/*", "/srv\n/etc"],
)  # fmt: skip
def test_postrm_never_empties_a_folder_of_the_systems(directory: str, tmp_path: Path) -> None:
    assert postrm_says_of(directory, tmp_path) == ""


def test_postrm_empties_the_mail_folder_if_it_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder under /tmp would be refused, so one of the repository's stands in for it."""
    if any(str(SOURCE).startswith(folder + "/") for folder in values.SYSTEM_FOLDERS):
        pytest.skip(f"{SOURCE} is in a folder of the system's")
    assert postrm_says_of(str(DEBIAN), tmp_path) == str(DEBIAN)
    assert postrm_says_of(str(DEBIAN / "nowhere"), tmp_path) == ""
    assert postrm_says_of(str(DEBIAN / "control"), tmp_path) == ""


def test_a_unit_waits_until_smallmail_is_set_up() -> None:
    units = [path for path in (SOURCE / "share/systemd").iterdir() if path.suffix in (".service", ".timer", ".path")]
    assert units
    for unit in units:
        # A timer is started by our own postinst before anything is set up: what it starts must look.
        text = (unit.with_suffix(".service") if unit.suffix == ".timer" else unit).read_text("utf-8")
        assert re.search(r"^ConditionPath\w+=/(var/lib|etc)/smallmail/", text, re.MULTILINE), unit.name
        assert "Documentation=" in text
        assert unit.suffix != ".timer" or "apt-get" in text, "it acts in the middle of an upgrade"


def test_scripts_name_only_questions_that_exist() -> None:
    found = templates()
    for script in DEBIAN.glob("smallmail-server.p*"):
        for name in re.findall(r"smallmail-server/([a-z-]+)", script.read_text("utf-8")):
            assert name in found, f"{script.name}: {name}"
