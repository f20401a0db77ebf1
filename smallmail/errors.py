"""The one kind of error that a user may see: a sentence, never a traceback."""
import errno


class Problem(Exception):
    """Something the admin can put right; the message is one sentence that says what is wrong and what to do."""


class WrongUsage(Problem):
    """Something was typed that is not right: a word that is missing or unknown, a name that this host does not have, a
    value that is not accepted. A command ends with exit code 2."""


def no_such(kind: str, word: str, choices: "list[str]", hint: str) -> WrongUsage:
    """Return the error for a word that is not one of the choices: it names the nearest one, or else gives the hint."""
    import difflib  # noqa: PLC0415 (only a mistake needs it, and it takes half as long to load as Python to start)

    near = difflib.get_close_matches(word, choices, 1)
    return WrongUsage("there is no {} '{}'; {}".format(
        kind, word, "did you mean '{}'?".format(near[0]) if near else hint))


# What ends a program of ours with a sentence: besides our own, wrong values, a full disk, a missing user.
EXPECTED = (Problem, ValueError, KeyError, OSError)

# What an admin reads of an error of the system (errno(3)), with the path that it is about.
_SENTENCES = {
    errno.EACCES: "{0} may not be read or changed: 'namei -l {0}' and 'lsattr -d {0}' show why",
    errno.EPERM: "{0} may not be changed: 'lsattr -d {0}' shows whether it is immutable ('chattr -i {0}' ends that)",
    errno.EROFS: "{0} is on a file system that is mounted read-only: 'findmnt -T {0}' shows it",
    errno.ENOSPC: "there is no room left for {0}: 'df -h' and 'df -i' show where",
    errno.EDQUOT: "a quota leaves no room for {0}: 'quota -s' shows it",
    errno.EIO: "{0} cannot be read or written (input/output error): 'dmesg' tells of a failing disk",
    errno.ENOENT: "{0} does not exist: 'namei -l {0}' shows what does",
    errno.ENOTDIR: "{0} cannot be reached, because a part of its path is not a folder: 'namei -l {0}' shows which",
    errno.EISDIR: "{0} is a folder, and must be a file: move it away",
    errno.EEXIST: "{0} exists already: move it away",
    errno.ELOOP: "{0} is a symbolic link that comes back to itself: 'namei -l {0}' shows it",
    errno.EBUSY: "{0} is in use (a mount point?): 'findmnt {0}' shows it",
    errno.ESTALE: "{0} is on a network file system that has gone: mount it again",
    errno.EMFILE: "this program has too many files open",
    errno.ENFILE: "this host has too many files open: 'sysctl fs.file-nr' shows it",
    errno.ENOMEM: "this host has no memory left: 'free -h' shows it",
}


def sentence(error: Exception) -> str:
    """Return what a person is told of an expected error."""
    if isinstance(error, OSError) and error.errno in _SENTENCES:
        path = error.filename if isinstance(error.filename, str) else "a file"
        return _SENTENCES[error.errno].format(path)
    if isinstance(error, OSError) and error.strerror:
        return "{}: {}".format(error.filename, error.strerror) if error.filename else error.strerror
    if isinstance(error, KeyError):
        return "{} is missing".format(error.args[0] if error.args else "something")
    return str(error)
