"""Let a program of ours work the same from every caller: what it inherits from a shell, a cron job or an installer
(umask, working folder, variables, limits, signals, closed descriptors) is set to what a service has.

The daemons have to read what root writes, so a umask of 077 would keep them out. The commands that a program runs
inherit from it in turn.
"""
import os
import pwd
import resource
import signal
import sys
from typing import Iterable

_UMASK = 0o022
# systemd's, and that of Debian's root (systemd.exec(5), /etc/profile).
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# Standing choices of the admin where systemd starts a program (Environment= in a drop-in), else of one shell.
PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy")

# What leads the commands that we run to other folders, files or forms than the host's own: mktemp(1), postconf(1)
# (MAIL_CONFIG), openssl(1), getopt(3), sh(1), and all that begins with these words (ld.so(8), python3(1)).
_NAMES = ("TMPDIR", "TMP", "TEMP", "MAIL_CONFIG", "POSIXLY_CORRECT", "CDPATH", "ENV", "BASH_ENV", "IFS", "GREP_OPTIONS",
          "LANGUAGE", "RANDFILE")
_PREFIXES = ("LD_", "OPENSSL_", "SSL_CERT_", "PYTHON", "RSPAMD_", "BASH_FUNC_")

# Lifted where that is possible: a program that is killed or cannot write in the middle of its work helps nobody.
_LIMITS = (resource.RLIMIT_FSIZE, resource.RLIMIT_CPU, resource.RLIMIT_DATA, resource.RLIMIT_AS, resource.RLIMIT_NPROC)
_FILES = 1024       # systemd's own default


def forget(keep: Iterable[str] = ()) -> None:
    """Undo what the caller decided, at the start of a program. `keep`: variables that stay nevertheless."""
    _open_closed()
    os.umask(_UMASK)
    os.chdir("/")   # the folder may be gone, or on a disk that is to be unmounted
    _forget_variables({name.lower() for name in keep})
    for limit in _LIMITS:
        _raise(limit, resource.RLIM_INFINITY)
    _raise(resource.RLIMIT_NOFILE, _FILES)
    # A core file would have passwords in it.
    _set(resource.RLIMIT_CORE, 0, resource.getrlimit(resource.RLIMIT_CORE)[1])
    # If SIGCHLD is ignored, a command that failed counts as one that succeeded (wait(2)).
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def _open_closed() -> None:
    """Open /dev/null where standard input, output or errors are closed: else the next file gets that number, and what
    a command prints goes into it."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open("/dev/null", os.O_RDWR), True)   # gets the lowest number that is free
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))


def _forget_variables(keep: "set[str]") -> None:
    for name in list(os.environ):
        if name in _NAMES or name.startswith(_PREFIXES) or (name.lower() in PROXIES and name.lower() not in keep):
            del os.environ[name]
    os.environ["PATH"] = _PATH
    try:
        os.environ["HOME"] = pwd.getpwuid(os.geteuid()).pw_dir
    except KeyError:
        os.environ["HOME"] = "/"


def _raise(limit: int, least: int) -> None:
    """Raise a limit to `least`, or as far as this process may. One that is higher stays."""
    soft, hard = resource.getrlimit(limit)
    if _covers(soft, least):
        return
    if not _set(limit, least, hard if _covers(hard, least) else least):
        _set(limit, hard, hard)     # only root may raise the second one


def _set(limit: int, soft: int, hard: int) -> bool:
    """Set a limit. Returns False where that is refused, as to a service with a filter of system calls."""
    try:
        if (soft, hard) != resource.getrlimit(limit):
            resource.setrlimit(limit, (soft, hard))
    except (ValueError, OSError):
        return False
    return True


def _covers(value: int, least: int) -> bool:
    return value == resource.RLIM_INFINITY or (least != resource.RLIM_INFINITY and value >= least)
