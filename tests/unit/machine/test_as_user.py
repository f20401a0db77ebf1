"""Work that is done as another user."""

from __future__ import annotations

import os
import pwd

import pytest

from smallmail.errors import Problem
from smallmail.machine import as_user

USER = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name


def test_the_work_is_done_as_that_user_for_good() -> None:
    def work() -> list[str]:
        if os.geteuid() != 0:
            with pytest.raises(PermissionError):
                os.setuid(0)
        return [str(os.getresuid()), str(os.getgroups()), "ä\udcff"]

    entry = pwd.getpwnam(USER)
    ids, groups, text = as_user.run(USER, work)
    assert ids == str((entry.pw_uid,) * 3) and text == "ä\udcff"
    if os.geteuid() == 0:
        assert groups == str([entry.pw_gid])


def test_an_error_there_is_a_problem_here(capfd: pytest.CaptureFixture[str]) -> None:
    def work() -> list[str]:
        raise ZeroDivisionError

    with pytest.raises(Problem, match="was cut off"):
        as_user.run(USER, work)
    assert "ZeroDivisionError" in capfd.readouterr().err
