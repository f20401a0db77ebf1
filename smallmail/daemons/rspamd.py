"""Rspamd: what smallmail knows of it, and which files of its configuration are an admin's."""
import re
from typing import Container, Iterator

from smallmail.daemons import listening, packaged
from smallmail.daemons.daemon import UNKNOWN
from smallmail.machine import state
from smallmail.machine.host import Failed, Host

# Where Postfix asks Rspamd about each message.
MILTER = state.SPOOL + "/milter.sock"

_FOLDER, _LOCAL, _OVERRIDE = "etc/rspamd", "etc/rspamd/local.d", "etc/rspamd/override.d"

# Where it is told how to sign.
SIGNING_CONF = _LOCAL + "/dkim_signing.conf"

# Beside local.d and override.d, upstream lets an admin make these.
_ADMINS_OWN = ("rspamd.conf.local", "rspamd.conf.override", "rspamd.local.lua")
_PROXY = [_LOCAL + "/worker-proxy.inc", _OVERRIDE + "/worker-proxy.inc"]


def _judge(stage: Host) -> None:
    """Let rspamadm(1) test the configuration, with Rspamd's own variables for its folders pointed at the stage.

    It also reads and writes compiled patterns in Rspamd's own folder, and whoever can change those runs code in the
    process that reads them. So it runs as Rspamd's user.
    """
    folder = stage.path(_FOLDER)
    stage.run(["rspamadm", "--var=CONFDIR=" + folder, "--var=LOCAL_CONFDIR=" + folder, "configtest", "-c",
               folder + "/rspamd.conf"], user="_rspamd")
    # It accepts another address to listen on, and Postfix would then defer all mail.
    sentence = explain(stage)
    if sentence:
        raise Failed(sentence)


def explain(host: Host) -> str:
    """Name the file that keeps Rspamd from listening where Postfix asks it; "" if none does. (Rspamd's own configdump
    would tell, but it asks the DNS first.)"""
    local, override = (re.sub(r"(?m)^\s*#.*$", "", host.text(path)) for path in _PROXY)
    sentence = "/{} keeps Rspamd from listening on /{}, where Postfix asks it"
    if re.search(r"(?m)^\s*bind_socket\b", override):
        return "" if MILTER in override else sentence.format(_PROXY[1], MILTER)
    return "" if MILTER in local else sentence.format(_PROXY[0], MILTER)


def _reads(path: str) -> bool:
    folder, _, name = path.rpartition("/")
    return name in _ADMINS_OWN if folder == _FOLDER else not name.startswith(".")


def _admins_files(root: str) -> Iterator[str]:
    """Yield the files that an admin made. Debian's package leaves their places empty."""
    for name in _ADMINS_OWN:
        path = "{}/{}".format(_FOLDER, name)
        if packaged.has_settings(packaged.text(root, path)):
            yield path
    for folder in (_LOCAL, _OVERRIDE):
        for path in packaged.files_read(root, folder, (".conf", ".inc")):
            if packaged.has_settings(packaged.text(root, path)):
                yield path


def _acts_against(path: str, ours: Container[str]) -> bool:
    """Tell whether that file wins over one of ours: override.d over the same name in local.d."""
    folder, _, name = path.rpartition("/")
    return path == _FOLDER + "/rspamd.conf.override" or (
        folder == _OVERRIDE and "{}/{}".format(_LOCAL, name) in ours)


RSPAMD = UNKNOWN._replace(
    name="rspamd",
    unit="rspamd",
    unit_files=("usr/lib/smallmail/suffixes",),
    package="rspamd",
    sources=("rspamd",),
    ports=listening.of("rspamd"),
    sockets={"its milter socket": MILTER},
    # It answers up to 30 s after its unit is "active": it compiles its patterns first.
    patience=90.0,
    folders=(_FOLDER,),
    permissions={_LOCAL + "/worker-controller.inc": (0o640, "root", "_rspamd")},
    judge=_judge,
    explain=explain,
    # A reload opens no other sockets, nor gives them to other groups; nor does it make the list of suffixes that
    # options.inc names (the unit's drop-in does).
    restart_for=(_LOCAL + "/worker-*", _LOCAL + "/options.inc"),
    admins_folders=(_FOLDER, _LOCAL, _OVERRIDE),
    reads=_reads,
    admins_files=_admins_files,
    acts_against=_acts_against,
)
