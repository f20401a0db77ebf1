"""Notice that the state was put here from a backup, and make it this machine's: whose it is, its owners, its arrival.

The record tells what smallmail changed on one machine; a backup brings that of another machine, or an old one. So what
counts is a second copy of it, which is not in the folders that one backs up (state.OWN_RECORD). A machine without such
a copy has either an upgrade from 0.6.0 or earlier behind it, and then our files are where the record says; or it is
new, and they are not.
"""
