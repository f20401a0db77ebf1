"""Ask checkdmarc, a checker of domains that is not ours."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from tests.lab import World
from tests.lab.dns import RESOLVER
from tests.support.fixtures import Tool


def report(tool: Tool, world: World, domain: str) -> dict[str, Any]:
    """Let checkdmarc examine a domain by the lab's resolver. Returns its report."""
    command = world.client.namespace.enter([tool("checkdmarc"), domain, "-n", RESOLVER, "-f", "json"])
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found
