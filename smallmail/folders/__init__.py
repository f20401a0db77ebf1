"""Folders: how a mailbox keeps them on the disk, and the conversion from the layout of 0.3.0 and 0.4.0.

                     up to 0.4.0 (FLAT)                since 0.5.0 (TREE)
    in Dovecot       Maildir++, separator "."          LAYOUT=fs, separator "/", escape character "%"
    INBOX            ~/mail/{cur,new,tmp,dovecot-*}    ~/mail/mailboxes/INBOX/%maildir/{cur,new,tmp,dovecot-*}
    A with child B   ~/mail/.A.B/{cur,new,tmp}         ~/mail/mailboxes/A/B/%maildir/{cur,new,tmp}
    Dr. Jones        ("Dr" with child " Jones")        ~/mail/mailboxes/Dr. Jones/%maildir/{cur,new,tmp}
    ~tilde           (refused)                         ~/mail/mailboxes/%7etilde/%maildir/{cur,new,tmp}

Why this layout:

* Separator "/": a dot is a common character in names, and a slash is the separator of most other servers.
* One directory for each level: Maildir++ has the whole path in one name of at most 255 bytes, so it refuses long names
  and deep ones. LAYOUT=index would take them, too, but it keeps the names in an index only: a mailbox that is restored
  without that index has folders without names.
* "%maildir" below each folder, and all folders below "mailboxes": a folder may be called "cur", "subscriptions" or
  "dovecot.index". No folder can be called "%maildir", because Dovecot writes the escape character itself as "%25".
* The escape character makes "." and "..", "~" and "%" possible without a path that leads out of the mailbox.
* 2.2, 2.3 and 2.4 read the same tree. Names stay in modified UTF-7 (RFC 3501, 5.1.3), as before.

The conversion only renames directories, so that messages, flags, UIDs, keywords and indexes stay as they are. It runs
before Dovecot starts (programs/folders.py), as the user vmail, follows the configuration that is in force, in both
directions, and goes on where it was cut off.

names.py, subscriptions.py and sieve.py say what a name, a list of subscriptions and a script become; they are pure.
moves.py and scripts.py convert one mailbox, convert.py all of them. in_force.py asks Dovecot for its layout. volume.py
tells whether the mail directory is there at all.
"""
