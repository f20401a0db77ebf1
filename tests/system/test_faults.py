"""Each system call of an apply fails in turn, in a chroot: a sentence is said, and the configuration is whole."""

from __future__ import annotations

import itertools
import re

import pytest

from tests.lab.chroot import Chroot
from tests.support.fixtures import Installed, Record
from tests.system.test_kills import CONFIGURATION

# Runs smallmail, and lets its Nth call of the system fail; says "calls" if it has fewer.
FAILER = '''\
import errno, functools, os, sys
from smallmail.commands import cli

CALLS = "open rename unlink fsync mkdir rmdir symlink readlink listdir fchown fchmod chown chmod stat fstat".split()
ERRORS = [errno.EIO, errno.ENOSPC, errno.EROFS, errno.EACCES, errno.ENOTDIR, errno.ESTALE, errno.EINVAL]
last, arguments = int(sys.argv[1]), sys.argv[2:]
done, failed = 0, ""


def failing(name):
    real = getattr(os, name)

    @functools.wraps(real)
    def call(*given, **named):
        global done, failed
        caller = sys._getframe(1).f_code.co_filename
        if "smallmail" not in caller:
            return real(*given, **named)
        done += 1
        if done - 1 != last:
            return real(*given, **named)
        code = ERRORS[last % len(ERRORS)]
        failed = "{} {}".format(name, errno.errorcode[code])
        raise OSError(code, os.strerror(code), *[each for each in given[:1] if isinstance(each, str)])
    setattr(os, name, call)


for name in CALLS:
    failing(name)
code = cli.main(arguments)
print("failed" if failed else "calls", failed or done)
sys.exit(code)
'''
# Words of Python and of libraries, which mean nothing to an admin.
RAW = re.compile(r"Errno|Traceback|Error\b|getpw|getgr|None:|: None|\bkey\(\)")


@pytest.mark.parametrize("first, step", [(5, 401), pytest.param(0, 3, marks=pytest.mark.slow)])
def test_each_call_that_fails_ends_in_a_sentence(first: int, step: int, installed: Installed, record: Record) -> None:
    with Chroot(installed("trixie"), "trixie-faults") as chroot:
        chroot.write("/root/failer.py", FAILER)
        chroot.run("smallmail set hostname=other.example.org quota=1G")
        other = chroot.run(CONFIGURATION).stdout
        chroot.run("smallmail set hostname=mx.example.org quota=0")
        original, told = chroot.run(CONFIGURATION).stdout, 0
        for number in itertools.count(first, step):
            done = chroot.run(f"python3 -B /root/failer.py {number} set hostname=other.example.org quota=1G",
                              check=False)
            if "calls" in done.stdout:
                break
            assert not RAW.search(done.stderr + done.stdout.replace("failed", "")), (number, done)
            if done.returncode == 0:    # what failed does not matter: a lock file, a folder that is listed
                chroot.run("smallmail set hostname=mx.example.org quota=0")
                continue
            told += 1
            assert re.match(r"smallmail: .+", done.stderr), (number, done)
            chroot.run("smallmail plan", check=False)
            chroot.run("smallmail set hostname=mx.example.org quota=0")
            assert chroot.run(CONFIGURATION).stdout == original, (number, done)
        assert chroot.run(CONFIGURATION).stdout == other
        assert told
        record(f"{told} failures told, of {number} calls")
