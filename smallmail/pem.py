"""Read PEM (RFC 7468), the text form of certificates and keys."""
import base64
import re
from typing import List


def blocks(label: str, text: str) -> List[str]:
    """Return the PEM blocks of a label (a regular expression) in a text; other text around them is left out."""
    return re.findall("-----BEGIN {0}-----.+?-----END {0}-----".format(label), text, re.DOTALL)


def der(pem: str) -> bytes:
    """Decode a PEM block. Returns its content in DER; raises ValueError if it is damaged."""
    return base64.b64decode("".join(line for line in pem.splitlines() if not line.startswith("-----")))
