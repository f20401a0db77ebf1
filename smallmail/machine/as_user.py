"""Do work as another user than root, in a process of its own."""
import json
import os
import pwd
import sys
import traceback
from typing import Callable, List

from smallmail.errors import Problem


def run(user: str, work: Callable[[], List[str]]) -> List[str]:
    """Let `work` run as that user, who cannot become root again. Returns what it returns. Raises Problem if it fails or
    is killed; its traceback is on stderr."""
    entry = pwd.getpwnam(user)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _work(entry, work, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        answer = stream.read()
    if os.waitpid(child, 0)[1] != 0:
        raise Problem("the work of user {} was cut off".format(user))
    return list(json.loads(answer.decode("ascii")))


def _work(entry: pwd.struct_passwd, work: Callable[[], List[str]], writer: int) -> None:
    """Become the user, work, write the answer, and end this process whatever happens."""
    status = 1
    try:
        os.chdir("/")
        os.umask(0o077)
        if os.geteuid() == 0:
            os.setgroups([entry.pw_gid])
            os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
            os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)
        with os.fdopen(writer, "wb") as stream:
            stream.write(json.dumps(work()).encode("ascii"))
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)    # not through the parent's handlers
