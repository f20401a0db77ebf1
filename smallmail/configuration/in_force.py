"""What was carried out of larger files: see the names below."""
from collections import OrderedDict
from typing import Dict, Iterable  # noqa: F401 (in a type comment)

from smallmail.configuration import history, record
from smallmail.configuration.record import Record
from smallmail.configuration.tree import Tree
from smallmail.daemons import foreign, main_cf
from smallmail.errors import Problem
from smallmail.machine import state
from smallmail.machine.file import File  # noqa: F401 (in a type comment)
from smallmail.machine.host import Host
from smallmail.settings import fields, file_format, store
from smallmail.settings.fields import Settings


def load_record(host: Host) -> Record:
    """What we wrote on this host so far, or what is left of it from before we were removed."""
    text = host.text(state.PATH) or host.text(state.LEFT)
    return record.loads(text) if text else record.empty()


def current(host: Host, names: Iterable[str]) -> Tree:
    """What is on the host now, of the files named."""
    files = OrderedDict()  # type: Dict[str, File]
    for name in names:
        file = host.file(name)
        if file is not None:
            files[name] = file
    return Tree(files, main_cf.parse_main(host.text(main_cf.MAIN)), main_cf.parse_master(host.text(main_cf.MASTER)))


def load_or_last(host: Host) -> Settings:
    """The settings, or where the file has a mistake those that were applied last: for when nobody is there to mend it
    and a daemon must start."""
    try:
        return store.load(host)
    except Problem:
        kept = history.entries(host)
        file = kept[-1].inputs.get(fields.PATH) if kept else None
        if file is None:
            raise
        return store.checked(file_format.parse(file.content.decode("utf-8")))


def may_change(host: Host, text: str) -> bool:
    """Whether these settings let us change what configures mail on this host: where an admin did that before us, or
    where he says so, a plain "no" keeps us out."""
    texts = file_format.parse(text)
    if Settings(texts).take_over or state.managed(host.root):
        return True
    return "take-over" not in texts and not foreign.foreign(host.root)
