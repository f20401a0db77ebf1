"""Save all that makes this server, encrypted, with restic, and tell whether that works.

`saved` knows what is saved and what is left out, `copies` makes copies of databases that stay the same while they are
read, `restic` runs that program, `take` makes a backup of all this, `result` remembers how it went and judges it.

Mail arrives and is moved meanwhile, and a Maildir is read folder by folder. So a letter could be in neither of two
folders when each is read. What was there at the beginning and at the end is compared with what was saved; if something
is missing or was moved, restic runs again, which takes as long as it takes to read the names (`settled`).

restic runs as root and follows no link inside of what it saves. Another user can exchange a folder while it is read,
and have a file of root's saved in the place of a letter: the backup is encrypted, and what is given back to a mailbox
is only what vmail owned.

`snapshots` chooses a backup, `restore` makes a fresh machine the server that was saved, `mailbox` brings letters back.
"""
