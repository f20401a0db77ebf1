"""What was carried out of larger files: see the names below."""
import base64
import re
from typing import List


def blocks(label: str, text: str) -> List[str]:
    """The PEM blocks of that label (a regular expression) in a text, which may have more in it."""
    return re.findall("-----BEGIN {0}-----.+?-----END {0}-----".format(label), text, re.DOTALL)


def der(pem: str) -> bytes:
    """What a PEM block holds. Raises ValueError when it is damaged."""
    return base64.b64decode("".join(line for line in pem.splitlines() if not line.startswith("-----")))
