"""How the Python part is built. What makes it a Debian package is in debian/, whose changelog has the version."""
import pathlib
import re

from setuptools import find_packages, setup

with (pathlib.Path(__file__).resolve().parent / "debian" / "changelog").open(encoding="utf-8") as changelog:
    version = re.match(r"smallmail-server \((.+?)\)", changelog.readline()).group(1)

setup(
    name="smallmail",
    version=version,
    description="complete small mail server: Postfix, Rspamd, Dovecot",
    long_description="Makes a Debian host a complete mail server for a few domains; see README.md.",
    author="smallmail developers",
    author_email="smallmail-server@packages.debian.org",
    license="MIT",
    packages=find_packages(include=["smallmail", "smallmail.*"]),
    python_requires=">=3.5",
)
