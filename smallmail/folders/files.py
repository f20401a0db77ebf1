"""Write a file of a mailbox: whole, and as the user who runs this."""
import contextlib
import os


def read(path: bytes) -> bytes:
    """Return what is in the file; nothing if it does not exist."""
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except FileNotFoundError:
        return b""


def write(path: bytes, content: bytes, mode: int = 0o600) -> None:
    """Replace the file, or make it."""
    remove_unfinished(path)
    beside = _beside(path)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    os.rename(beside, path)


def remove_unfinished(path: bytes) -> None:
    """Remove what a write() to that path left that was killed."""
    remove(_beside(path))


def make_empty(path: bytes) -> None:
    """Make the file, empty."""
    with open(path, "wb"):
        pass


def remove(path: bytes) -> None:
    """Remove the file, if it exists."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _beside(path: bytes) -> bytes:
    return path + b".smallmail-new"
