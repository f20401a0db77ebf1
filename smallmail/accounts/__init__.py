"""Domains, mailboxes, aliases and passwords.

They are in two SQLite databases that Postfix and Dovecot read themselves, so a change needs no reload. `database` opens
and changes them: every method does all that it says, or raises Problem and changes nothing. `domains` returns the mail
domains, and those that somebody names. `passwords` asks for passwords, generates and hashes them. `first_mailbox` keeps
the first mailbox's password until that mailbox is created.

commands/accounts.py and commands/domain.py change the accounts; configuration/prepare.py creates the first ones.

    with database.open_accounts(host) as accounts:
        accounts.add_alias("sales@example.org", "bob@example.org")
"""
