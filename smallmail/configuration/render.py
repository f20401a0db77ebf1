"""Render the wanted tree from settings and facts: jinja2 over the overlays. Pure: reads templates, changes nothing."""
import os
from collections import OrderedDict
from typing import Dict, List  # noqa: F401 (in a type comment)

from smallmail.configuration.tree import Tree
from smallmail.daemons import main_cf, table
from smallmail.daemons.facts import Facts, version_tuple
from smallmail.errors import Problem
from smallmail.machine.file import File, bytes_of
from smallmail.settings.fields import Settings

TEMPLATES = "/usr/share/smallmail/templates"

# certbot is not a daemon: what it gets from us is the same for every version of it, and it runs it.
_CERTBOT = {"certbot": "0"}
_CERTBOT_HOOK = "etc/letsencrypt/renewal-hooks/deploy/smallmail"

# Mode, owner and group of the files; all others are 0644 root:root.
_PERMISSIONS = dict(table.PERMISSIONS)
_PERMISSIONS[_CERTBOT_HOOK] = (0o755, "root", "root")


def render(settings: Settings, facts: Facts, local_main: str = "", local_master: str = "",
           templates: str = TEMPLATES) -> Tree:
    """Return the whole wanted configuration. `local_main` and `local_master` are the admin's own Postfix lines
    (/etc/smallmail/local/postfix), merged last. Raises Problem if a template does not fit the facts."""
    # Verbs that render nothing need not wait for jinja2: loading it takes longer than all the rest.
    import jinja2  # noqa: PLC0415

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates), undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    files = OrderedDict()  # type: Dict[str, File]
    texts = {main_cf.MAIN: "", main_cf.MASTER: ""}
    for path, template in sorted(overlays(templates, facts.versions).items()):
        try:
            text = environment.get_template(template).render(settings=settings, facts=facts)
        except jinja2.TemplateError as error:
            raise Problem("{}: {}".format(template, error))
        if path in texts:
            texts[path] = text
        elif text.strip():
            mode, owner, group = _PERMISSIONS.get(path, (0o644, "root", "root"))
            files[path] = File(bytes_of(text), mode, owner, group)
    # Each is parsed by itself: if the admin's first line is indented, it must not continue our last one.
    return Tree(files,
                _merged(main_cf.parse_main(texts[main_cf.MAIN]), main_cf.parse_main(local_main)),
                _merged(main_cf.parse_master(texts[main_cf.MASTER]), main_cf.parse_master(local_master)))


def _merged(first: Dict[str, str], last: Dict[str, str]) -> Dict[str, str]:
    merged = OrderedDict(first)
    merged.update(last)
    return merged


def overlays(templates: str, versions: Dict[str, str]) -> Dict[str, str]:
    """Return for each target path the template that makes it: of the overlays whose version is not newer than the
    installed daemon's, the newest that has the path."""
    chosen = {}
    for folder in _fitting(templates, versions):
        for parent, _, names in os.walk(os.path.join(templates, folder)):
            for name in names:
                if name.endswith(".j2") and not name.startswith("_"):
                    template = os.path.relpath(os.path.join(parent, name), templates)
                    chosen[template[len(folder) + 1:-len(".j2")]] = template
    return chosen


def _fitting(templates: str, versions: Dict[str, str]) -> List[str]:
    """Return the overlay folders that fit, oldest first."""
    fitting = []
    versions = dict(_CERTBOT, **versions)
    for folder in os.listdir(templates):
        daemon, _, since = folder.rpartition("-")
        if daemon in versions and version_tuple(since) <= version_tuple(versions[daemon]):
            fitting.append((version_tuple(since), folder))
    return [folder for _, folder in sorted(fitting)]
