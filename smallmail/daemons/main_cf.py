"""What was carried out of larger files: see the names below."""
from collections import OrderedDict
from typing import Dict, Iterator, List, Optional  # noqa: F401 (in a type comment)

MAIN = "etc/postfix/main.cf"
MASTER = "etc/postfix/master.cf"


def logical_lines(text: str) -> Iterator[str]:
    """The logical lines of a Postfix configuration file (postconf(5)): a line that starts with white space goes on
    with the one before it, also across comments and empty lines between them."""
    pending = None  # type: Optional[str]
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line[0].isspace() and pending is not None:
            pending += " " + line.strip()
            continue
        if pending is not None:
            yield pending
        pending = line.strip()
    if pending is not None:
        yield pending


def parse_main(text: str) -> Dict[str, str]:
    """The explicit parameters of a main.cf; of a name that stands twice the last one holds, as in Postfix."""
    parameters = OrderedDict()  # type: Dict[str, str]
    for line in logical_lines(text):
        name, equals, value = line.partition("=")
        if equals:
            parameters[name.strip()] = value.strip()
    return parameters


def parse_master(text: str) -> Dict[str, str]:
    """The entries of a master.cf by "name/type" (master(5)), white space made single."""
    services = OrderedDict()  # type: Dict[str, str]
    for line in logical_lines(text):
        words = _words(line)
        if len(words) >= 8:
            services["{}/{}".format(words[0], words[1])] = " ".join(words)
    return services


def unread(main: str, master: str) -> List[str]:
    """The lines that are no parameter and no entry: both of the above pass over them."""
    return ([line for line in logical_lines(main) if "=" not in line]
            + [line for line in logical_lines(master) if len(_words(line)) < 8])


def _words(line: str) -> List[str]:
    """The words of a master.cf entry, `{ … }` kept whole (master(5), Postfix 3.0)."""
    words = []  # type: List[str]
    depth = 0
    for word in line.split():
        if depth:
            words[-1] += " " + word
        else:
            words.append(word)
        depth += word.count("{") - word.count("}")
    return words
