"""Everything that is looked at and told without changing it: `smallmail check`, `smallmail status`, the daily letter.

A check makes findings (smallmail/findings.py): values that say what was found, why it matters, which commands can be
typed, which DNS records are to be set, and what else to do. Nothing in here is a sentence that others take apart.

run.py has the list of all checks: the groups of this room (groups/), and the rooms below that judge their own affairs
(DKIM keys, certificates). It runs them side by side. letter.py compares today's findings with yesterday's. status.py
gathers one screen without asking the network, by the same judgements. units.py writes figures as people read them.

A problem may explain others: a stopped Postfix also makes its ports silent. Such a finding names in `hides` what it
explains, the others name in `about` what they depend on, and the screen shows them as one. What could not be asked
hides in the same way what may be there unseen, so that the letter does not call it solved.

commands/check.py, commands/status.py and programs/daily.py call this room:

    found = run.findings(host, settings, ["dns", "tls"])
    print(findings.text(found))

To add a check: write a function `findings(host, settings)`, add a line to run.CHECKS, and add what makes its findings
to tests/unit/every_finding.py: tests/unit/test_every_finding.py tries all their commands.
"""
