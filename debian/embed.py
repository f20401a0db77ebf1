#!/usr/bin/python3
"""Print the given modules of smallmail as one program that needs none of them installed.

The config script runs before its package is unpacked, on an upgrade even beside the older one. So the modules travel in
it, each as it is in the source, and are put where `import` looks first. The last one's main() is run.
"""
import pathlib
import sys

_HEAD = """import sys
import types

sys.modules["smallmail"] = types.ModuleType("smallmail")


def _module(name, source):
    module = types.ModuleType("smallmail." + name)
    sys.modules[module.__name__] = module
    setattr(sys.modules["smallmail"], name, module)
    exec(compile(source, name + ".py", "exec"), module.__dict__)
"""


def program(names: list) -> str:
    """The whole program."""
    source = pathlib.Path(__file__).resolve().parent.parent / "smallmail"
    parts = [_HEAD]
    for name in names:
        text = (source / (name + ".py")).read_text(encoding="utf-8")
        if "'''" in text:
            raise SystemExit("{}.py: ''' would end the string that carries the module".format(name))
        parts.append("_module({!r}, r'''{}''')\n".format(name, text))
    parts.append("sys.modules['smallmail.{}'].main(sys.argv)\n".format(names[-1]))
    return "\n\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(program(sys.argv[1:]))
