"""The types of what fixtures give to tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

Record = Callable[[str], None]  # tests/conftest.py: note a figure, to be printed at the end
Tool = Callable[[str], str]  # tests/conftest.py: find a linter
Installed = Callable[[str], list[Path]]  # tests/system/conftest.py: the layers of an installed host of a suite
