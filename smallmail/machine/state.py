"""What was carried out of larger files: see the names below."""
import os

# Our drop-in is there from the first apply to the hand-back, see DESIGN: it says that the host is ours.
OUR_MARK = "etc/dovecot/conf.d/05-smallmail.conf"


def managed(root: str = "/") -> bool:
    """Whether smallmail's configuration is in force here already."""
    return os.path.exists(os.path.join(root, OUR_MARK))


PATH = "var/lib/smallmail/record.json"

# What is remembered while we are removed, of the same form: see handback.py.
LEFT = "var/lib/smallmail/left.json"
STATE = "var/lib/smallmail"
JOURNAL = STATE + "/journal.json"
