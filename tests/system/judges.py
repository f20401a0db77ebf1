"""Judges of a domain that are not ours."""
import json
import subprocess

from tests.lab.dns import RESOLVER


def checkdmarc(tool, world, domain):
    """What checkdmarc, by the lab's resolver, finds there."""
    command = world.client.namespace.enter([tool("checkdmarc"), domain, "-n", RESOLVER, "-f", "json"])
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout)
