"""Trees: a folder that looks like a cached root, with every change kept on a layer of its own (overlayfs)."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from pathlib import Path

from . import mounts
from .session import current

_numbers = itertools.count(1)


class Tree:
    """Layers of roots, the uppermost first, and above them a new layer for what is changed."""

    def __init__(self, layers: Sequence[Path], name: str = "tree", *, durable: bool = False) -> None:
        """Without `durable`, syncing to the disk costs nothing: the tree is gone after the test anyway."""
        self.folder = current().folder / f"{next(_numbers)}-{name}"
        self.path = self.folder / "root"
        self.changes = self.folder / "changes"
        work = self.folder / "work"
        for folder in (self.path, self.changes, work):
            folder.mkdir(parents=True)
        options = f"lowerdir={':'.join(map(str, layers))},upperdir={self.changes},workdir={work}"
        mounts.mount("-t", "overlay", "-o", options + ("" if durable else ",volatile"), "overlay", self.path)

    def keep(self, layer: Path) -> None:
        """Let the changes outlive the tree as a layer of the cache: there only when it is whole."""
        mounts.umount_below(self.folder)
        os.sync()
        self.changes.rename(layer)

    def close(self) -> None:
        mounts.remove(self.folder)
