"""Run a command as on a kernel without IPv6 (ipv6.disable=1): `python3 no_ipv6.py COMMAND...`.

To it and to all that it starts, socket(2) says that there is no such family (seccomp(2), on amd64).
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import sys
from errno import EAFNOSUPPORT

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2                   # linux/prctl.h, linux/seccomp.h
_LOAD, _IF_EQUAL, _RETURN = 0x20, 0x15, 0x06            # BPF_LD, BPF_JMP|BPF_JEQ, BPF_RET
_NUMBER, _ARCHITECTURE, _FAMILY = 0, 4, 16              # in struct seccomp_data
_AMD64, _SOCKET = 0xC000003E, 41                        # AUDIT_ARCH_X86_64, __NR_socket
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000 | EAFNOSUPPORT   # SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO
_FILTER = (
    (_LOAD, 0, 0, _ARCHITECTURE), (_IF_EQUAL, 0, 5, _AMD64),
    (_LOAD, 0, 0, _NUMBER), (_IF_EQUAL, 0, 3, _SOCKET),
    (_LOAD, 0, 0, _FAMILY), (_IF_EQUAL, 0, 1, socket.AF_INET6),
    (_RETURN, 0, 0, _FAIL), (_RETURN, 0, 0, _ALLOW),
)


def forbid() -> None:
    """Take IPv6 from this process and its children."""
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in _FILTER))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(_FILTER), ctypes.addressof(code)))
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_SECCOMP, _MODE_FILTER, program, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_SECCOMP)")


if __name__ == "__main__":
    forbid()
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 (no shell)
