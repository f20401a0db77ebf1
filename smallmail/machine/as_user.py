"""Do work as another user than root, in a process of its own."""
import grp
import json
import os
import pwd
import sys
import traceback
from typing import Callable, List

from smallmail.errors import Problem

_REPAIR = "'apt install --reinstall' of the package that has it makes it again"


def run(user: str, work: Callable[[], List[str]]) -> List[str]:
    """Let `work` run as that user, who cannot become root again. Returns what it returns. Raises Problem if it fails or
    is killed; its traceback is on stderr."""
    its = entry(user)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _work(its, work, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        answer = stream.read()
    if os.waitpid(child, 0)[1] != 0:
        raise Problem("the work of user {} was cut off".format(user))
    return list(json.loads(answer.decode("ascii")))


def entry(name: str) -> pwd.struct_passwd:
    """Look up a user. Returns its entry; raises Problem if it does not exist."""
    try:
        return pwd.getpwnam(name)
    except KeyError:
        raise Problem("the user {0} does not exist: 'getent passwd {0}' must find it ({1})".format(name, _REPAIR))


def group(name: str) -> grp.struct_group:
    """Look up a group. Returns its entry; raises Problem if it does not exist."""
    try:
        return grp.getgrnam(name)
    except KeyError:
        raise Problem("the group {0} does not exist: 'getent group {0}' must find it ({1})".format(name, _REPAIR))


def _work(its: pwd.struct_passwd, work: Callable[[], List[str]], writer: int) -> None:
    """Become the user, work, write the answer, and end this process whatever happens."""
    status = 1
    try:
        os.chdir("/")
        os.umask(0o077)
        if os.geteuid() == 0:
            os.setgroups([its.pw_gid])
            os.setresgid(its.pw_gid, its.pw_gid, its.pw_gid)
            os.setresuid(its.pw_uid, its.pw_uid, its.pw_uid)
        with os.fdopen(writer, "wb") as stream:
            stream.write(json.dumps(work()).encode("ascii"))
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)    # not through the parent's handlers
