"""Convert one mailbox between the layouts, by renaming directories. Runs as the user who owns the mail.

It may be cut off anywhere, and goes on where it was when it runs again, in either direction. Meanwhile ~/mail has:

    subscriptions.maildir++     the list of subscriptions as it was, from the first change until after the last one
                                (subscriptions.tree on the way back): while it exists the mailbox is half converted
    inbox.moving                INBOX on its way: in Maildir++ it has no directory of its own

A mailbox of the old layout may come back from a backup when there is one of the new layout. Then a folder that exists
in both goes below "Restored".
"""
import contextlib
import errno
import itertools
import os
from typing import Callable, Iterator, List

from smallmail.folders import files, names, scripts, sieve, subscriptions
from smallmail.folders.names import MAILBOXES, MAILDIR

FLAT, TREE = "maildir++", "tree"

_LIST = b"subscriptions"
_KEPT = {FLAT: b"subscriptions.maildir++", TREE: b"subscriptions.tree"}
_MOVING = b"inbox.moving"
_INBOX = [b"INBOX"]
_RESTORED = b"Restored"

# Dovecot gives this name to a folder while it deletes it.
_DELETED = b".DOVECOT-TRASHED"

# What belongs to INBOX in Maildir++, by the beginning of its name; the rest is that of the whole mailbox.
_OF_INBOX = (b"cur", b"new", b"tmp", b"dovecot", b"fts-flatcurve", b"maildirfolder", b"maildirsize")
_OF_ALL = (b"dovecot.list.index", b"dovecot.mailbox.log", b"dovecot-uidvalidity")


class Left(OSError):
    """Something could not be moved. All the rest was."""


class Mailbox:
    """A mailbox, by the path of its home."""

    def __init__(self, home: bytes, every_tilde: bool = True) -> None:
        """`every_tilde`: as in names.escaped()."""
        self.home = home
        self.mail = os.path.join(home, b"mail")
        self.every_tilde = every_tilde
        self.problems = []  # type: List[OSError]

    def is_unfinished(self) -> bool:
        """Tell whether the mailbox is half converted."""
        return any(os.path.lexists(self._path(name)) for name in _KEPT.values())

    def is_to_convert(self, layout: str) -> bool:
        """Tell whether something in the mailbox has not that layout."""
        if self.is_unfinished() or os.path.lexists(self._path(_MOVING)):
            return True
        if layout == FLAT:
            return self._has_inbox_in_tree()
        return os.path.isdir(self._path(b"cur")) or next(self._flat_folders(), None) is not None

    def convert(self, layout: str) -> None:
        """Give the mailbox that layout. Raises Left if something could not be moved, OSError if nothing was."""
        if layout == TREE:
            self._to_tree()
        else:
            self._to_flat()

    def _to_tree(self) -> None:
        # Where there is a mailbox of the new layout already, it has a list of subscriptions and scripts that fit.
        if self.is_unfinished() or not self._has_inbox_in_tree():
            self._convert_list(FLAT, lambda text: subscriptions.to_tree(text, self.every_tilde))
            scripts.change(self.home, sieve.to_tree)
        restored = []  # type: List[subscriptions.Path]
        for name in list(self._flat_folders()):
            levels = [names.escaped(level, number == 0, self.every_tilde)
                      for number, level in enumerate(names.levels(name))]
            self._move_to_tree(name, levels, restored)
        self._collect_inbox()
        if os.path.isdir(self._path(_MOVING)) and not self.problems:
            self._move_to_tree(_MOVING, _INBOX, restored)
        if restored:
            text = subscriptions.with_more(files.read(self._path(_LIST)), restored)
            files.write(self._path(_LIST), text)
        self._finish()

    def _to_flat(self) -> None:
        self._convert_list(TREE, subscriptions.to_flat)
        scripts.change(self.home, sieve.to_flat)
        for levels in list(self._tree_folders()):
            name = _MOVING if levels == _INBOX else names.flat([names.unescaped(level) for level in levels])
            if name and not os.path.lexists(self._path(name)):
                self._rename([MAILBOXES] + levels + [MAILDIR], [name])
        self._spread_inbox()
        for folder, _, _ in os.walk(self._path(MAILBOXES), topdown=False):
            if MAILDIR not in folder.split(b"/"):
                with contextlib.suppress(OSError):  # what does not fit into Maildir++ stays
                    os.rmdir(folder)
        self._finish()

    def _finish(self) -> None:
        if self.problems:
            raise Left(self.problems[0].errno, self.problems[0].strerror, self.problems[0].filename)
        # Dovecot makes its list of folders anew.
        for name in os.listdir(self.mail):
            if name.startswith(b"dovecot.list.index"):
                files.remove(self._path(name))
        for name in _KEPT.values():
            files.remove(self._path(name))

    def _convert_list(self, before: str, converted: Callable[[bytes], bytes]) -> None:
        """Convert the list of subscriptions from that layout, and keep what it was."""
        kept = self._path(_KEPT[before])
        if not self.is_unfinished():
            if os.path.lexists(self._path(_LIST)):
                os.rename(self._path(_LIST), kept)
            else:
                files.make_empty(kept)
        if os.path.lexists(kept):
            text = converted(files.read(kept))
        else:   # a conversion in the other direction was cut off
            text = b"".join(files.read(self._path(name)) for name in _KEPT.values())
        files.write(self._path(_LIST), text)

    def _has_inbox_in_tree(self) -> bool:
        return os.path.lexists(self._path(MAILBOXES, *(_INBOX + [MAILDIR])))

    def _flat_folders(self) -> Iterator[bytes]:
        """Yield the directory of each folder in Maildir++ but INBOX."""
        for name in sorted(os.listdir(self.mail)):
            if name.startswith(b".") and name != _DELETED and os.path.isdir(self._path(name)):
                yield name

    def _tree_folders(self) -> Iterator[subscriptions.Path]:
        """Yield the names on the disk of each folder in the tree."""
        top = self._path(MAILBOXES)
        for folder, below, _ in os.walk(top):
            if MAILDIR in below:
                below.remove(MAILDIR)
                yield os.path.relpath(folder, top).split(b"/")

    def _collect_inbox(self) -> None:
        """Move what belongs to INBOX in Maildir++ into one directory."""
        if not os.path.isdir(self._path(b"cur")) and not os.path.isdir(self._path(_MOVING)):
            return
        with contextlib.suppress(FileExistsError):
            os.mkdir(self._path(_MOVING), 0o700)
        for name in sorted(os.listdir(self.mail)):
            if name.startswith(_OF_INBOX) and not name.startswith(_OF_ALL):
                self._rename([name], [_MOVING, name])

    def _spread_inbox(self) -> None:
        """Move what belongs to INBOX out of its directory."""
        if not os.path.isdir(self._path(_MOVING)):
            return
        for name in sorted(os.listdir(self._path(_MOVING))):
            self._rename([_MOVING, name], [name])
        if not self.problems:
            os.rmdir(self._path(_MOVING))

    def _move_to_tree(self, name: bytes, levels: subscriptions.Path, restored: List[subscriptions.Path]) -> None:
        """Move a folder to its place in the tree; below "Restored" if another one is in that place."""
        for number in itertools.count():
            above = [] if number == 0 else [_RESTORED + (b" %d" % number if number > 1 else b"")]
            if not os.path.lexists(self._path(MAILBOXES, *(above + levels + [MAILDIR]))):
                break
        if self._rename([name], [MAILBOXES] + above + levels + [MAILDIR]) and above:
            restored.append(above + levels)

    def _rename(self, source: List[bytes], target: List[bytes]) -> bool:
        """Rename, and make the directories above. Tells whether that was possible; if not, notes the problem."""
        old, new = self._path(*source), self._path(*target)
        try:
            if os.path.lexists(new):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), new)
            os.makedirs(os.path.dirname(new), 0o700, exist_ok=True)
            if os.path.islink(old) and not os.path.isabs(os.readlink(old)):
                # An admin's link: it would lead elsewhere from a deeper place.
                os.symlink(os.path.realpath(old), new)
                os.unlink(old)
            else:
                os.rename(old, new)
        except OSError as error:
            self.problems.append(error)
            return False
        return True

    def _path(self, *parts: bytes) -> bytes:
        return os.path.join(self.mail, *parts)
