"""What was carried out of larger files: see the names below."""
from typing import NamedTuple

File = NamedTuple("File", [
    ("content", bytes),
    ("mode", int),
    ("owner", str),
    ("group", str),
])
