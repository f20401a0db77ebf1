"""Read what is in force on this host: the record, the configuration, the settings; and whether ours may be."""
from collections import OrderedDict
from typing import Dict, Iterable, List  # noqa: F401 (in a type comment)

from smallmail.configuration import history, record
from smallmail.configuration.arrival import whose
from smallmail.configuration.record import Record
from smallmail.configuration.tree import Tree
from smallmail.daemons import foreign, main_cf, table
from smallmail.errors import Problem
from smallmail.machine import reach, state
from smallmail.machine.file import File, text_of  # noqa: F401 (File: in a type comment)
from smallmail.machine.host import Host
from smallmail.machine.reach import Closed
from smallmail.machine.state import Permissions
from smallmail.settings import fields, file_format, store
from smallmail.settings.fields import Settings


def load_record(host: Host) -> Record:
    """Return what smallmail wrote on this host so far, or what a removal left of that. Raises Problem if the file is
    damaged."""
    text = whose.text(host)
    return record.loads(text) if text else record.empty()


def current(host: Host, names: Iterable[str]) -> Tree:
    """Return what is on the host now: those of the named files that exist, all parameters and all services."""
    files = OrderedDict()  # type: Dict[str, File]
    for name in names:
        file = host.file(name)
        if file is not None:
            files[name] = file
    return Tree(files, main_cf.parse_main(host.text(main_cf.MAIN)), main_cf.parse_master(host.text(main_cf.MASTER)))


def load_or_last(host: Host) -> Settings:
    """Return the settings, or those that were applied last if the file has a mistake: nobody may be there to correct
    it, and a daemon must start. Raises Problem if neither can be read."""
    try:
        return store.load(host)
    except Problem:
        kept = history.entries(host)
        file = kept[-1].inputs.get(fields.PATH) if kept else None
        if file is None:
            raise
        return store.checked(file_format.parse(text_of(file.content)))


def may_change(host: Host, text: str) -> bool:
    """Tell whether these settings allow smallmail to change the host's mail configuration. They do not where an admin
    made one before smallmail came, or said "no" to taking it over. Raises Problem if the text cannot be parsed."""
    texts = file_format.parse(text)
    if Settings(texts).take_over or state.in_charge(host.root):
        return True
    return "take-over" not in texts and not foreign.exists(host.root)


def closed(host: Host) -> List[Closed]:
    """Return the folders and files that daemons cannot reach, of those in which smallmail wrote. Raises Problem."""
    needed = OrderedDict(state.FOLDERS)     # type: Dict[str, Permissions]
    needed.update(state.FILES)
    directory = host.text(state.MAIL_DIRECTORY).strip()
    if directory:
        needed[directory[1:]] = Permissions(0o750, "vmail", "vmail")
    return reach.closed(host, needed, [path for path in load_record(host).entries["files"] if table.reader(path)])
