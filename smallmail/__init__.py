"""smallmail: one Debian package that makes a host a complete mail server."""
import pathlib
import re


def _version() -> str:
    """What debian/changelog says: in a checkout that file itself, on a host what the build took from it."""
    changelog = pathlib.Path(__file__).resolve().parent.parent / "debian" / "changelog"
    if not changelog.is_file():
        return pathlib.Path("/usr/share/smallmail/version").read_text(encoding="ascii").strip()
    with changelog.open(encoding="utf-8") as stream:
        match = re.match(r"smallmail-server \((.+?)\)", stream.readline())
    return match.group(1) if match else "unknown"


__version__ = _version()
