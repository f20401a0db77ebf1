"""Support for the system tests: hosts in the states that the tests begin with, and means to look at them.

It has no tests. It knows smallmail: how it is installed, what it must keep. tests/lab below it knows Debian, machines
and networks, and nothing of smallmail. For example, a mail server with a mailbox of alice@example.org:

    with MailHost("trixie", deb, world) as host:
        world.foreign.post(BOB, ALICE, letters.plain(BOB, ALICE, "hello"))
        host.expect("INBOX", "hello")
"""
