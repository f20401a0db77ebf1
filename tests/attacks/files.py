"""Attached files that may cost a scanner much. Each function takes about how many bytes its file has, and a source of
chance."""

from __future__ import annotations

import io
import random
import zipfile
import zlib


def zip_of_many(size: int, chance: random.Random) -> bytes:
    """Make an archive of empty files."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for number in range(size // 110):
            archive.writestr(f"{number:x}.exe", b"")
    return made.getvalue()


def zip_bomb(size: int, chance: random.Random) -> bytes:
    """Make an archive that is a thousand times as large when it is unpacked."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(max(1, size // 100_000)):
            archive.writestr(f"{number}.txt", b"a" * 100_000_000)
    return made.getvalue()


def document_bomb(size: int, chance: random.Random) -> bytes:
    """Make a PDF whose streams are a thousand times as large when they are unpacked."""
    stream = zlib.compress(b"BT (spam) Tj ET\n" * 6_000_000, 9)
    objects = [b"%d 0 obj\n<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream\nendobj\n"
               % (number, len(stream), stream) for number in range(1, max(2, size // len(stream)))]
    return b"%PDF-1.4\n" + b"".join(objects) + b"trailer << /Root 1 0 R >>\n%%EOF\n"


def document_of_objects(size: int, chance: random.Random) -> bytes:
    """Make a PDF of many objects."""
    return b"%PDF-1.4\n" + b"".join(b"%d 0 obj\n<</Type /Page /Parent %d 0 R>>\nendobj\n" % (number, number + 1)
                                    for number in range(1, size // 52)) + b"trailer << /Root 1 0 R >>\n%%EOF\n"


def document_of_brackets(size: int, chance: random.Random) -> bytes:
    """Make a PDF of dictionaries in dictionaries."""
    return b"%PDF-1.4\n1 0 obj\n" + b"<</A " * (size // 5) + b"\nendobj\ntrailer << /Root 1 0 R >>\n%%EOF\n"


def noise(size: int, chance: random.Random) -> bytes:
    """Make bytes without any order."""
    return chance.randbytes(size)


def zeros(size: int, chance: random.Random) -> bytes:
    """Make bytes that are all the same."""
    return b"\0" * size
