"""What the tests of this folder share: installed hosts, to boot or to change, each made once."""
import pytest

from tests.lab import packages, roots
from tests.lab.chroot import Chroot
from tests.lab.session import current
from tests.system.mailhost import ANSWERS, MailHost


@pytest.fixture(scope="session")
def mail(suite, deb, world):
    """One machine a suite for all tests that leave it as they found it: installed while it runs, from a local
    repository, preseeded and noninteractive."""
    with MailHost(suite, deb, world) as host:
        yield host


@pytest.fixture(scope="session")
def installed(deb):
    """Layers of a host that is installed and set up, by suite: for tests that are not about how it came to that."""
    made = {}

    def layers(suite):
        if suite not in made:
            with Chroot(roots.warm(suite, deb), "{}-installed".format(suite)) as chroot:
                packages.offer(chroot, deb)
                packages.preseed(chroot, deb, ANSWERS)
                packages.install(chroot, "smallmail-server")
                layer = current().folder / "installed-{}".format(suite)
                chroot.keep(layer)
            made[suite] = [layer, *roots.warm(suite, deb)]
        return made[suite]
    return layers
