"""debian/ agrees with setup.py (stdeb has a second opinion), its scripts do only their work, and doors do not move."""

from __future__ import annotations

import ast
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from debian.deb822 import Deb822, PkgRelation

import smallmail
from smallmail.daemons import table
from smallmail.daemons.daemon import Daemon
from smallmail.programs import __main__ as programs
from smallmail.programs.__main__ import PROGRAMS
from smallmail.settings import values
from tests.unit.debconf_double import templates

SOURCE = Path(__file__).parents[2]
DEBIAN = SOURCE / "debian"

# What the code imports beyond Python's own, and the package that has it.
MODULES = {
    "apt_pkg": "python3-apt", "configobj": "python3-configobj", "debconf": "python3-debconf",
    "dns": "python3-dnspython", "idna": "python3-idna", "jinja2": "python3-jinja2",
}  # fmt: skip

# What units and hooks of up to 0.3.0 start as a module, and the program that it has become.
OLD_DOORS = [
    ("acme", ["deploy"], ["deploy"]),
    ("acme", ["timer"], ["certificate"]),
    ("daily", [], ["check"]),
    ("ready", ["postfix"], ["ready", "postfix"]),
    ("rotation", [], ["dkim"]),
]


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


CODE = {
    "config": r"""
        set\ -e|umask\ 022|\.\ /usr/share/debconf/confmodule
        |/usr/bin/python3\ -I\ -c\ 'import\ debconf'\ 2>/dev/null\ \|\|\ exit\ 0
        |exec\ /usr/bin/python3\ -I\ -c\ "\$\(cat\ <<'PYTHON'|\#ASK\#|PYTHON|\)"\ "\$@"
        """,
    "postinst": r"""
        set\ -e|umask\ 022|\.\ /usr/share/debconf/confmodule|\#DEBHELPER\#
        |if\ \[\ "\$1"\ =\ triggered\ \];\ then|exit\ 0|fi
        |if\ \[\ -z\ "\$\{DEBCONF_RECONFIGURE:-\}"\ \];\ then|:
        |case\ "\$1"\ in|[a-z|\ -]+\)|;;|esac|/usr/lib/smallmail/run\ \w+\ "\$[@2]"
        """,
    "prerm": r"""
        set\ -e|umask\ 022|\#DEBHELPER\#|if\ \[\ "\$1"\ =\ remove\ \];\ then|fi
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
    suffixes = (".service", ".timer", ".path", ".socket")
    units = [path for path in (SOURCE / "share/systemd").iterdir() if path.suffix in suffixes]
    assert units
    for unit in units:
        # A timer is started by our own postinst before anything is set up: what it starts must look.
        text = (unit.with_suffix(".service") if unit.suffix == ".timer" else unit).read_text("utf-8")
        assert re.search(r"^ConditionPath\w+=/(var/lib|etc)/smallmail/", text, re.MULTILINE), unit.name
        assert "Documentation=" in text
        assert unit.suffix != ".timer" or "\nExecCondition=/usr/lib/smallmail/idle\n" in text, \
            "it acts in the middle of an upgrade"


def test_scripts_name_only_questions_that_exist() -> None:
    found = templates()
    for script in DEBIAN.glob("smallmail-server.p*"):
        for name in re.findall(r"smallmail-server/([a-z-]+)", script.read_text("utf-8")):
            assert name in found, f"{script.name}: {name}"


@pytest.mark.parametrize("daemon", [each for each in table.ALL if each.package], ids=lambda each: each.name)
def test_the_package_knows_each_daemon(daemon: Daemon) -> None:
    """It is depended on, its upgrade is told to us, and its configuration is made whole before it starts."""
    _, package = control(DEBIAN / "control")
    assert daemon.package in names(package["Depends"])
    assert re.search(f"^interest-noawait .*/{daemon.name}$", (DEBIAN / "smallmail-server.triggers").read_text("utf-8"),
                     re.MULTILINE)  # fmt: skip
    drop_in = SOURCE / f"share/systemd/{daemon.unit}.service.d/50-smallmail.conf"
    assert f"smallmail-ready@{daemon.name}.service" in drop_in.read_text("utf-8")


def test_nothing_outside_names_a_module() -> None:
    """systemd, certbot and dpkg keep what they were told by the version before: they get one name that never moves."""
    outside = [path for folder in ("share/systemd", "templates", "libexec") for path in (SOURCE / folder).rglob("*")]
    for path in filter(Path.is_file, [*outside, *DEBIAN.glob("smallmail-server.*")]):
        assert "-m smallmail" not in path.read_text("utf-8"), f"{path.name}: /usr/lib/smallmail/run NAME, please"


def test_what_systemd_dpkg_and_certbot_run_exists() -> None:
    callers = [*(SOURCE / "share/systemd").glob("*.service"), *DEBIAN.glob("smallmail-server.p*"),
               *(SOURCE / "templates").glob("certbot-*/**/*.j2"), SOURCE / "libexec/before-dovecot",
               SOURCE / "templates/postfix-3.1/etc/postfix/master.cf.j2"]  # fmt: skip
    texts = [path.read_text("utf-8") for path in callers]
    named = {name for text in texts for name in re.findall(r"/usr/lib/smallmail/run ([\w$]+)", text)}
    assert named == set(PROGRAMS)


@pytest.mark.parametrize(("module", "arguments", "program"), OLD_DOORS)
def test_an_old_door_opens_a_program(
    module: str, arguments: list[str], program: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(programs, "main", lambda given: started.append(given) or 0)
    monkeypatch.setattr(sys, "argv", [module, *arguments])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(SOURCE / f"share/doors/{module}.py"), run_name="__main__")
    assert ended.value.code == 0
    assert started == [program]


def test_no_module_takes_the_place_of_an_old_door() -> None:
    doors = {path.name for path in (SOURCE / "share/doors").iterdir()}
    assert doors == {module + ".py" for module, *_ in OLD_DOORS}
    assert not doors & {path.name for path in (SOURCE / "smallmail").iterdir()}
