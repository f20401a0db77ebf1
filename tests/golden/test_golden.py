"""Every suite's whole configuration, letter by letter. After an intended change: `make golden`, and read the diff."""

from __future__ import annotations

import pytest

from tests.golden import trees


@pytest.mark.parametrize("case", sorted(trees.CASES))
def test_tree(case: str) -> None:
    assert trees.rendered(case) == trees.stored(case)


@pytest.mark.parametrize("suite", sorted(trees.SUITES))
def test_no_secret_in_a_file_that_everybody_may_read(suite: str) -> None:
    for path, text in trees.rendered(suite + "-full").items():
        if text.startswith("# mode 644") or "etc/postfix/ma" in path:
            assert "relay-secret" not in text and "$2$salt$hash" not in text, path
