"""The one kind of error that a user may see: a sentence, never a traceback."""


class Problem(Exception):
    """Something the admin can put right; the message is one sentence that says what is wrong and what to do."""
