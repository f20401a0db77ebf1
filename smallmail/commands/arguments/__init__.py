"""What can be typed after `smallmail`: the arguments, the help and the examples of each verb.

There is one module for each verb or group of verbs. Each has the function `arguments(verbs)`, and parser.py describes
what that can call. These modules are light: commands/cli.py loads the one of the verb that was typed, and the module
that does the work only when everything is typed correctly and root asks. commands/manual.py loads them all, for
smallmail(8).

An example, `smallmail domain list` in domain.py:

    actions = verbs.group("domain", "Mail domains.")
    actions.reading("list", "accounts.domain_list", "List all mail domains.", "smallmail domain list")
"""
