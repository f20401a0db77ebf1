"""The one kind of error that a user may see: a sentence, never a traceback."""


class Problem(Exception):
    """Something the admin can put right; the message is one sentence that says what is wrong and what to do."""


class WrongUsage(Problem):
    """Something was typed that is not right: a word that is missing or unknown, a name that this host does not have, a
    value that is not accepted. A command ends with exit code 2."""


def no_such(kind: str, word: str, choices: "list[str]", hint: str) -> WrongUsage:
    """Return the error for a word that is not one of the choices: it names the nearest one, or else gives the hint."""
    import difflib  # noqa: PLC0415 (only a mistake needs it, and it takes half as long to load as Python to start)

    near = difflib.get_close_matches(word, choices, 1)
    return WrongUsage("there is no {} '{}'; {}".format(
        kind, word, "did you mean '{}'?".format(near[0]) if near else hint))


# What ends a program of ours with a sentence: besides our own, wrong values, a full disk, a missing user.
EXPECTED = (Problem, ValueError, KeyError, OSError)
