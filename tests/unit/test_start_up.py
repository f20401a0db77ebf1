"""What a verb does not need is not loaded with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import smallmail

PACKAGE = Path(smallmail.__file__).parent  # debian/tests looks at the installed one
ASKS = {"authority", "record_kinds", "resolver"}   # the modules of zones/ that need dnspython
ZONES = sorted({path.stem for path in (PACKAGE / "zones").glob("[!_]*.py")} - ASKS)
CHECK = sorted(".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
               for path in (PACKAGE / "check").rglob("[!_]*.py"))


@pytest.mark.parametrize("modules", [[f"smallmail.zones.{name}" for name in ZONES], CHECK,
                                     ["smallmail.commands.cli"]], ids=["zones", "check", "commands"])
def test_dnspython_and_jinja2_are_loaded_on_use(modules: list[str]) -> None:
    code = f"import sys, {', '.join(modules)}; print(sorted({{'dns', 'jinja2'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-B", "-c", code], cwd=PACKAGE.parent, capture_output=True, encoding="ascii",
                          check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_they_are_loaded_late_in_one_place_each() -> None:
    late = [path.relative_to(PACKAGE).as_posix() for path in sorted(PACKAGE.rglob("*.py"))
            for line in path.read_text("utf-8").splitlines() if line.startswith("    ") and " import " in line
            and ("zones.authority" in line or "import resolver" in line or "import jinja2" in line)
            and "noqa" in line]
    assert late == ["configuration/render.py", "zones/asking.py", "zones/asking.py"]
