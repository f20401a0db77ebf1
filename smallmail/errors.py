"""The one kind of error that a user may see: a sentence, never a traceback."""
import sqlite3


class Problem(Exception):
    """Something the admin can put right; the message is one sentence that says what is wrong and what to do."""


# What ends a program of ours with a sentence: besides our own, answers that are wrong, a full disk, a user that is
# missing, a database that is locked.
EXPECTED = (Problem, ValueError, KeyError, OSError, sqlite3.Error)
