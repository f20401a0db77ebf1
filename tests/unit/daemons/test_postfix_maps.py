"""When Postfix's processes were started."""

from __future__ import annotations

import subprocess
import time

from smallmail.daemons import postfix_maps
from smallmail.machine.host import Host


def test_when_a_process_was_started_is_known_to_a_fraction_of_a_second() -> None:
    before = time.time()
    with subprocess.Popen(["sleep", "20"]) as process:
        try:
            newest = max(postfix_maps.start_times(Host(), "sleep"))
        finally:
            process.kill()
    assert abs(newest - before) < 0.2
