"""One machine a suite with the package installed, for all tests that leave it as they found it."""
import pytest

from tests.system.mailhost import MailHost


@pytest.fixture(scope="session")
def mail(suite, deb, world):
    """Installed once, from a local repository, preseeded and noninteractive."""
    with MailHost(suite, deb, world) as host:
        yield host
