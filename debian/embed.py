#!/usr/bin/python3
"""Print a module of smallmail, and all of smallmail that it imports, as one program that runs without smallmail.

The config script runs before its package is unpacked, on an upgrade even beside an older version. So it carries the
modules, each as it is in the source but for lines of comments, and registers them where `import` looks first. It runs
main() of the named module.
"""
import ast
import io
import pathlib
import sys
import tokenize

SOURCE = pathlib.Path(__file__).resolve().parent.parent

_HEAD = """import sys
import types

sys.modules["smallmail"] = types.ModuleType("smallmail")


def _module(name, source):
    room, _, short = name.rpartition(".")
    holder = "smallmail." + room if room else "smallmail"
    if holder not in sys.modules:
        sys.modules[holder] = types.ModuleType(holder)
        setattr(sys.modules["smallmail"], room, sys.modules[holder])
    module = types.ModuleType("smallmail." + name)
    sys.modules[module.__name__] = module
    setattr(sys.modules[holder], short, module)
    exec(compile(source, name + ".py", "exec"), module.__dict__)
"""


def path(name: str) -> pathlib.Path:
    """Return the path of the source of smallmail.NAME."""
    return SOURCE / "smallmail" / (name.replace(".", "/") + ".py")


def imported(name: str) -> list:
    """Return the modules of smallmail that this one imports at its top, in the order of their lines."""
    found = []
    for node in ast.parse(path(name).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "smallmail":
            inner = node.module.partition(".")[2]
            for alias in node.names:
                module = "{}.{}".format(inner, alias.name).lstrip(".")
                found.append(module if path(module).exists() else inner)
    return found


def ordered(name: str, done: list) -> list:
    """Add the module to `done`, behind all that it needs. Returns `done`."""
    for other in imported(name):
        if other not in done:
            ordered(other, done)
    done.append(name)
    return done


def without_comments(text: str) -> str:
    """Return a module's text without the lines that are only comments: the whole program is one argument."""
    comments = {token.start[0] for token in tokenize.generate_tokens(io.StringIO(text).readline)
                if token.type == tokenize.COMMENT and token.line.lstrip().startswith("#")}
    return "".join(line for number, line in enumerate(text.splitlines(keepends=True), 1) if number not in comments)


def program(name: str) -> str:
    """Return the text of the whole program. Raises SystemExit if a module cannot be carried."""
    parts = [_HEAD]
    for each in ordered(name, []):
        text = without_comments(path(each).read_text(encoding="utf-8"))
        if "'''" in text:
            raise SystemExit("{}.py: ''' would end the string that carries the module".format(each))
        parts.append("_module({!r}, r'''{}''')\n".format(each, text))
    parts.append("sys.modules['smallmail.{}'].main(sys.argv)\n".format(name))
    return "\n\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(program(sys.argv[1]))
