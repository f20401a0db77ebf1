"""UTF-8 in and out, whatever the locale of the caller is; an admin's bytes that are not UTF-8 stay as they are."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from smallmail.configuration import record
from smallmail.daemons import main_cf
from smallmail.machine.file import File, bytes_of
from smallmail.machine.host import Host
from smallmail.settings import store

SOURCE = Path(__file__).parents[2]
LOCALES = {
    "none": {}, "C": {"LC_ALL": "C"}, "POSIX": {"LANG": "POSIX"}, "unknown": {"LC_ALL": "xx_YY.UTF-8"},
    "UTF-8": {"LC_ALL": "C.UTF-8"}, "latin-1": {"LC_ALL": "de_DE.ISO-8859-1"},
    "latin-1 language": {"LANG": "de_DE.ISO-8859-1"},
    "PYTHONIOENCODING": {"LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "latin-1:strict", "PYTHONUTF8": "0"},
}  # fmt: skip


@pytest.fixture(scope="module")
def locpath(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with a locale that is not UTF-8."""
    folder = tmp_path_factory.mktemp("locales")
    made = subprocess.run(["localedef", "-i", "de_DE", "-f", "ISO-8859-1", folder / "de_DE.ISO-8859-1"],
                          capture_output=True, text=True, check=False)
    if not (folder / "de_DE.ISO-8859-1").exists():
        pytest.skip(f"localedef makes no locale: {made.stderr}")
    return str(folder)


def run(words: list[str | bytes], locpath: str, environment: dict[str, str],
        program: str = "debian/smallmail") -> subprocess.CompletedProcess[bytes]:
    """Run one of our programs as its first line says, in that environment alone, beside the source."""
    interpreter, options = (SOURCE / program).read_text("utf-8").splitlines()[0].removeprefix("#!").split()
    # -I hides the source's folder from the program, which an installation has in Python's own path.
    code = (SOURCE / program).read_text("utf-8")
    code = f"import sys; sys.path.insert(0, {str(SOURCE)!r}); sys.argv[0] = 'smallmail'\n" + code.partition("\n")[2]
    env = {"PATH": os.environ["PATH"], "LOCPATH": locpath, **environment}
    return subprocess.run([interpreter, options, "-c", code, *words], env=env, capture_output=True, check=False)


@pytest.mark.parametrize("environment", LOCALES.values(), ids=LOCALES)
@pytest.mark.parametrize(("word", "shown"), [
    ("stra\u00dfe\u20ac".encode(), "stra\u00dfe\u20ac"), (b"stra\xdfe", r"stra\xdfe"), (b"a\xc2\x9bb", r"a\x9bb"),
])
def test_a_word_is_read_and_printed_in_utf_8(locpath: str, environment: dict[str, str], word: bytes, shown: str,
                                             ) -> None:
    done = run([b"set", b"hostname=" + word], locpath, environment)
    said = done.stderr.decode("utf-8")
    assert done.returncode == 2 and "Traceback" not in said
    assert said.startswith("smallmail: hostname: ") and ("not UTF-8" in said if b"\xdf" in word else shown in said)
    done = run([word], locpath, environment)
    assert done.returncode == 2 and done.stderr.decode("utf-8").startswith(f"smallmail: there is no verb '{shown}'")


def test_both_programs_ask_for_utf_8() -> None:
    for program in ("debian/smallmail", "libexec/run"):
        text = (SOURCE / program).read_text("utf-8")
        assert text.splitlines()[0].endswith("Xutf8") and "\nutf8.ensure()\n" in text


def test_an_admins_bytes_stay_as_they_are_on_the_way_to_postconf(tmp_path: Path) -> None:
    host = Host(str(tmp_path))
    lines = [b"smtpd_banner = caf\xe9 \xe2\x82\xac \xc3\xbc\xc2\xa0", b"local\xc2\x85x = \xe2\x80\xa8y"]
    host.write(main_cf.LOCAL_MAIN, File(b"# \xff\n" + b"\n".join(lines) + b"\n", 0o644, "root", "root"))
    parameters = main_cf.parse_main(host.text(main_cf.LOCAL_MAIN))
    words = [f"{name} = {value}" for name, value in parameters.items()]
    assert [bytes_of(word) for word in words] == lines
    assert bytes_of(host.run(["printf", "%s\\n", *words])) == b"\n".join(lines) + b"\n"
    entries = {"parameters": {name: record.Entry(value, value) for name, value in parameters.items()}}
    remembered = record.loads(record.dumps(record.empty()._replace(entries=entries)))
    assert remembered.entries["parameters"] == entries["parameters"]


def test_a_comment_of_an_admin_that_is_not_utf_8_stays_in_the_settings_file(tmp_path: Path) -> None:
    host = Host(str(tmp_path))
    host.write(store.fields.PATH, File(b"# caf\xe9\nquota = 1G\n", 0o600, "root", "root"))
    text = store.changed_text(host, {"quota": "2G"})
    assert store.file(text).content == b"# caf\xe9\nquota = 2G\n"
