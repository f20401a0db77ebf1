"""Let a program of ours use UTF-8, whatever the locale of its caller is: for its arguments, for what it reads and
prints, for the names of files and for the arguments of commands.

Python 3.7 and newer do so by the option -X utf8 in the program's first line; older ones accept the option and ignore
it. Such a program starts once more, in the locale C.UTF-8, which Debian's libc-bin has in all suites.
"""
import codecs
import os
import sys

_LOCALE = "C.UTF-8"


def ensure() -> None:
    """Start this program once more if Python did not take UTF-8."""
    if codecs.lookup(sys.getfilesystemencoding()).name == "utf-8" or os.environ.get("LC_ALL") == _LOCALE:
        return
    os.environ["LC_ALL"] = _LOCALE
    options = ["-I"] + ["-B"] * bool(sys.flags.dont_write_bytecode)
    # What Python decoded by the caller's locale is encoded by it again: the bytes stay as they are (PEP 383).
    os.execv(sys.executable, [sys.executable] + options + sys.argv)
