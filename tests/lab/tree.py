"""Trees: a folder that looks like a cached root, with every change kept on a layer of its own (overlayfs)."""

from __future__ import annotations

import fcntl
import itertools
import os
import struct
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from . import mounts
from .session import current

_numbers = itertools.count(1)
_SHUTDOWN, _NO_LOG_FLUSH = 0x8004587D, 2  # EXT4_IOC_SHUTDOWN, linux/fs/ext4/ext4.h
_DISK_SIZE = 4 << 30  # of which only what is written takes room


class Tree:
    """Layers of roots, the uppermost first, and above them a new layer for what is changed."""

    def __init__(self, layers: Sequence[Path], name: str = "tree", *, durable: bool = False,
                 disk: bool = False) -> None:
        """Without `durable`, syncing to the disk costs nothing: the tree is gone after the test anyway. With `disk`
        the changes are on a file system of their own, whose power can be cut."""
        self.folder = current().folder / f"{next(_numbers)}-{name}"
        self.path = self.folder / "root"
        self._layers, self._disk = layers, self.folder / "disk" if disk else None
        self._volatile = "" if durable or disk else ",volatile"
        self.changes = (self._disk or self.folder) / "changes"
        with ExitStack() as made:
            made.callback(self.close)
            self.path.mkdir(parents=True)
            if self._disk:
                self._disk.mkdir()
                with self._image.open("wb") as image:
                    image.truncate(_DISK_SIZE)
                subprocess.run(["mkfs.ext4", "-q", str(self._image)], check=True)
            self._mount()
            made.pop_all()

    @property
    def _image(self) -> Path:
        return self.folder / "image"

    def _mount(self) -> None:
        if self._disk:
            mounts.mount("-o", "loop", self._image, self._disk)
        work = self.changes.parent / "work"
        for folder in (self.changes, work):
            folder.mkdir(exist_ok=True)
        options = f"lowerdir={':'.join(map(str, self._layers))},upperdir={self.changes},workdir={work}"
        mounts.mount("-t", "overlay", "-o", options + self._volatile, "overlay", self.path)

    def settle(self) -> None:
        """Let all that was written be on the disk."""
        subprocess.run(["sync", "--file-system", str(self._disk or self.folder)], check=True)

    def cut_power(self) -> None:
        """From now on nothing reaches the disk any more, not even what waits in its journal."""
        if self._disk is None:
            raise ValueError("only a tree with a disk of its own has a power to cut")
        descriptor = os.open(self._disk, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, _SHUTDOWN, struct.pack("I", _NO_LOG_FLUSH))
        finally:
            os.close(descriptor)

    def restore_power(self) -> None:
        """Mount the disk again as the cut has left it; nobody may be at work in the tree."""
        mounts.umount_below(self.folder)
        self._mount()

    def keep(self, layer: Path) -> None:
        """Let the changes outlive the tree as a layer of the cache: there only when it is whole."""
        mounts.umount_below(self.folder)
        os.sync()
        self.changes.rename(layer)

    def close(self) -> None:
        mounts.remove(self.folder)
