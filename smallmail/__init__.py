"""smallmail: one Debian package that makes a host a complete mail server."""
import os


def _version() -> str:
    """Read the version: in a checkout from debian/changelog, on a host from what the build took from it."""
    source = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    changelog = os.path.join(source, "debian", "changelog")
    if not os.path.isfile(changelog):
        with open("/usr/share/smallmail/version", encoding="ascii") as stream:
            return stream.read().strip()
    with open(changelog, encoding="utf-8") as stream:   # smallmail-server (0.4.0) trixie; urgency=medium
        return stream.readline().partition("(")[2].partition(")")[0]


__version__ = _version()
