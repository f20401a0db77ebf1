"""Make text harmless for a terminal and for a letter: names, DNS records, banners and answers come from strangers, and
from users of this host. What controls a terminal or reorders a line is shown as an escape (\\x1b, \\u202e).

guard() does so for all that this process prints, so no caller has to remember it.
"""
import io
import sys

# Control characters but for tab and line feed (ECMA-48: C0, DEL, C1), and those that are not seen or change the
# direction of what is seen (Unicode UAX 9 and UTS 39): separators, marks, embeddings, isolates, tags.
_RANGES = ((0x00, 0x08), (0x0b, 0x1f), (0x7f, 0x9f), (0x61c, 0x61c), (0x200b, 0x200f), (0x2028, 0x202e),
           (0x2060, 0x206f), (0xfeff, 0xfeff), (0xfff9, 0xfffb), (0xe0000, 0xe007f))
_ESCAPES = {0xdc00 + byte: "\\x{:02x}".format(byte) for byte in range(0x80, 0x100)}     # a byte that is not UTF-8
_ESCAPES.update({code: "\\u{:04x}".format(code) for code in range(0xd800, 0xe000) if code not in _ESCAPES})
_ESCAPES.update({code: ascii(chr(code))[1:-1] for first, last in _RANGES for code in range(first, last + 1)})


def plain(text: str) -> str:
    """Return the text with each such character as an escape."""
    return text.translate(_ESCAPES)


class _Plain:
    """A stream to which only plain text is written."""

    def __init__(self, stream: io.TextIOBase) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write the text. Returns its length."""
        self._stream.write(plain(text))
        return len(text)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


def guard() -> None:
    """Let this process print plain text only, on standard output and standard error."""
    if not isinstance(sys.stdout, _Plain):
        sys.stdout, sys.stderr = _Plain(sys.stdout), _Plain(sys.stderr)  # type: ignore[arg-type, assignment]
