"""What the groups of the check read from outside, one thing a module: the clock, the host's own firewall, the queue,
block lists, mail servers on the internet.

A probe asks or parses, and returns values; where it needs no machine to judge them (queue.py, blocklists.py) it makes
the findings, too. firewall.py, queue.py and blocklists.py are pure: they get the text or the answers. clock.py and
outbound.py open connections themselves, with a short patience, and change nothing at the other side.

Only ../groups calls this room.

    closed = firewall.closed(ruleset, [25, 465])    # the ports on which the firewall lets no one in
"""
