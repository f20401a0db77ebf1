"""Move the DKIM keys out of the folder where they were up to 0.3.0.

That folder is below /var/lib/rspamd, which _rspamd owns: if Rspamd has a hole, an attacker may have put there what is
found. Now the keys are in a folder that root alone can change.

No message leaves unsigned meanwhile. move() copies: it runs before an apply writes the configuration that names the new
folder, and until Rspamd has read that, it reads the former one. forget() deletes what was copied, once Rspamd was seen
to sign by the new configuration. Both may be cut off anywhere and done again: the list of keys is copied last, and
until it is there the copies count for nothing.
"""
import base64
import contextlib
import os
import pwd
import re
import time
from typing import Dict  # noqa: F401 (also in a type comment)

from smallmail import pem
from smallmail.daemons import packaged, rspamd
from smallmail.dkim import key_list
from smallmail.errors import Problem
from smallmail.machine import state, state_files, walk
from smallmail.machine.file import File
from smallmail.machine.host import Host

_LIST = os.path.basename(state.DKIM_LIST)
_KEY_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\.key\Z")
_LARGEST = 1 << 22

# Seconds after which no process of Rspamd has the former configuration any more: a reload lets the old ones finish.
_FINISHED = 60


def is_waiting(host: Host) -> bool:
    """Tell whether keys of ours are still in the former folder alone. Raises Problem where that cannot be told."""
    return not host.exists(state.DKIM_LIST) and host.exists(state.DKIM_KEYS) \
        and host.exists("{}/{}".format(state.DKIM_FORMER_FOLDER, _LIST))


def move(host: Host) -> None:
    """Copy the keys and their list from the former folder, if that was not done. Raises Problem if what is there cannot
    be trusted."""
    if host.exists(state.DKIM_LIST):
        return
    with host.lock(path=state.DKIM_LOCK):
        if not host.exists(state.DKIM_LIST):
            _move(host)


def _move(host: Host) -> None:
    is_ours = host.exists(state.DKIM_KEYS)
    try:
        found = _found(host)
    except (FileNotFoundError, NotADirectoryError):
        return
    except Problem:
        if is_ours:
            raise
        return      # the keys of an admin who has set up Rspamd without smallmail
    if not found:
        return
    text = found.pop(_LIST, b"")
    keys = key_list.loads(text.decode("utf-8", "replace"), "{}/{}".format(state.DKIM_FORMER_FOLDER, _LIST))
    state_files.make_folder(host, state.DKIM_FOLDER)
    for name, content in found.items():
        path = "{}/{}".format(state.DKIM_FOLDER, name)
        if not host.exists(path):
            host.write(path, File(content, 0o640, "root", "_rspamd"))
    if is_ours:
        state_files.write(host, state.DKIM_KEYS, host.text(state.DKIM_KEYS).replace(
            "/{}/".format(state.DKIM_FORMER_FOLDER), "/{}/".format(state.DKIM_FOLDER)))
    state_files.write(host, state.DKIM_FORMER, "".join(
        name + "\n" for name in list(found) + ([_LIST] if text else [])))
    if text:
        state_files.save_json(host, state.DKIM_LIST, key_list.dumps(keys))


def forget(host: Host) -> None:
    """Delete what was copied from the former folder, when Rspamd has signed without it for a minute. The caller knows
    that Rspamd was seen to sign with the keys of the list."""
    names = host.text(state.DKIM_FORMER).splitlines()
    if not names or not host.exists(state.DKIM_LIST) or not _is_unused(host):
        return
    with walk.to(host.root, state.DKIM_SIGNING) as place:
        seen = os.stat(place.name, dir_fd=place.folder, follow_symlinks=False).st_mtime
    if 0 <= time.time() - seen < _FINISHED:
        return
    # Neither follows a link. If another user has put something else there, it loses files of these names, at most.
    with contextlib.suppress(walk.Diverted, OSError):
        for name in names:
            if name == _LIST or _KEY_NAME.match(name):
                host.remove("{}/{}".format(state.DKIM_FORMER_FOLDER, name))
        host.remove_folder(state.DKIM_FORMER_FOLDER)
    host.remove(state.DKIM_FORMER)


def _found(host: Host) -> Dict[str, bytes]:
    """Read the keys and the list in the former folder. Returns their content by name. Raises Problem if another user
    could have put them there; OSError if there is no such folder."""
    owners = {0, os.geteuid()}
    with contextlib.suppress(KeyError):
        owners.add(pwd.getpwnam("_rspamd").pw_uid)      # of a key that an admin added: Rspamd could read it already
    with walk.into(host.root, state.DKIM_FORMER_FOLDER) as folder:
        if walk.is_shared(os.fstat(folder.folder)):
            raise Problem("/{0} does not belong to root alone, so the keys in it may be anybody's: put those that are"
                          " yours into /{1} (root:_rspamd, 0640), remove /{0} and type 'smallmail apply'".format(
                              state.DKIM_FORMER_FOLDER, state.DKIM_FOLDER))
        found = {}  # type: Dict[str, bytes]
        for name in sorted(os.listdir(folder.folder)):
            if name == _LIST or _KEY_NAME.match(name):
                place = folder._replace(name=name, path="{}/{}".format(folder.path, name))
                try:
                    found[name] = walk.plain_content(place, _LARGEST, owners)
                    if name != _LIST and not _is_private_key(found[name]):
                        raise Problem("/{} is not a private key".format(place.path))
                except Problem as error:
                    raise Problem("{}: correct or remove it, and type 'smallmail apply'".format(error))
        return found


def _is_private_key(content: bytes) -> bool:
    """Tell whether Rspamd could read it as a key: one in PEM, or base64."""
    text = content.decode("ascii", "replace")
    try:
        blocks = pem.blocks("[A-Z ]*PRIVATE KEY", text)
        return bool(pem.der(blocks[0]) if blocks else base64.b64decode("".join(text.split()), validate=True))
    except ValueError:
        return False


def _is_unused(host: Host) -> bool:
    """Tell whether Rspamd's configuration names the folder of today, and no admin's file the former one."""
    paths = [path for folder in rspamd.RSPAMD.admins_folders
             for path in packaged.files_read(host.root, folder, (".conf", ".inc", ".lua", ".local", ".override"))]
    return "/{}/".format(state.DKIM_FOLDER) in host.text(rspamd.SIGNING_CONF) \
        and not any("/" + state.DKIM_FORMER_FOLDER in host.text(path) for path in paths)
