"""What a person types: the command `smallmail`.

/usr/sbin/smallmail calls `cli`. It prints the overview from the table in `verbs`, or loads the module of arguments/
that describes the typed verb. When everything is typed correctly and root asks, it loads the module of this room that
does the work, and calls its function with the host and the arguments. So a verb loads what it needs and nothing else,
and smallmail is quick to start (tests/unit/commands/test_verbs_start.py).

A function that only reads returns its text, the same as data for --json, and the exit code (`Told`). A function that
changes something prints in one line what it has changed, and returns the exit code: 0 fine, 1 a problem, 2 wrong usage.
`outcome` tells what a change of the configuration has done. `manual` makes smallmail(8) and smallmail.conf(5).

To add the verb `quota`: a line in `verbs`, its arguments in arguments/quota.py, its work in quota.py.
"""
