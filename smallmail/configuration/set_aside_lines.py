"""Set aside those of an admin's lines in Postfix's main.cf that a new version of Postfix does not accept.

They are kept in main.cf.set-aside; ours, or Postfix's defaults, replace them. See set_aside.py for when.
"""
from collections import OrderedDict
from typing import Callable, Dict, List

from smallmail.configuration import set_aside
from smallmail.configuration.set_aside import Files, TakenOut
from smallmail.configuration.tree import Tree
from smallmail.daemons import main_cf, postconf, postfix
from smallmail.daemons.main_cf import MAIN
from smallmail.errors import Problem
from smallmail.machine.file import File, bytes_of, text_of
from smallmail.machine.host import Host


def taken_out(host: Host, stage: Host, main: File, wanted: Tree, refusal: Problem,
              judge: Callable[[], None]) -> TakenOut:
    """Find the admin's parameters that Postfix does not accept in this main.cf. Returns the files that must change, and
    a notice; nothing if these parameters are not the reason. Raises Failed."""
    text = text_of(main.content)
    values = main_cf.parse_main(text)
    suspects = [name for name in postfix.admins_parameters(text) if values[name] != wanted.parameters.get(name)]

    def put_without(names: List[str]) -> None:
        stage.write(MAIN, main)
        postconf.put(stage, {name: wanted.parameters.get(name) for name in names})

    def is_accepted_without(names: List[str]) -> bool:
        put_without(names)
        return set_aside.is_accepted(judge)

    if not suspects or not is_accepted_without(suspects):
        return OrderedDict(), []
    for name in list(suspects):
        # One after the other comes back: what Postfix accepts stays.
        others = [other for other in suspects if other != name]
        if is_accepted_without(others):
            suspects = others
    put_without(suspects)
    path = set_aside.free_name(host, MAIN)
    return _changes(stage, main, path, {name: values[name] for name in suspects}), [_sentence(path, refusal)]


def _changes(stage: Host, main: File, path: str, lines: Dict[str, str]) -> Files:
    """Return the file that keeps these lines, and main.cf as it is on the stage, with the live file's owner and
    mode."""
    kept = bytes_of("".join("{} = {}\n".format(name, value) for name, value in lines.items()))
    edited = stage.file(MAIN)
    return OrderedDict([(path, main._replace(content=kept)), (MAIN, edited and main._replace(content=edited.content))])


def _sentence(path: str, refusal: Problem) -> str:
    return ("/{}: postfix, in the version now installed, does not accept these lines of /{}, so they were moved there."
            " Correct them and set them with 'postconf -e'. postfix's message: {}".format(path, MAIN, refusal))
