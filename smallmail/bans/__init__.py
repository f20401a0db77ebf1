"""Keep guessers out: judge each try to log in, and ban addresses from which passwords are guessed.

Dovecot asks about each login, also those of Postfix: the auth policy server protocol (auth_policy_server_url) gives the
name, the address and a few bits of a hash of the password. So one place sees all tries and knows whether a wrong
password is a new one: `judge`, which is pure. `run bans` (smallmail-bans.service, with `server` and `serving`) is that
place. It is not root and has no way out. If it is away, Dovecot lets logins go on (auth_policy_reject_on_fail).

A ban never hits a household. The same wrong password does not count again (a forgotten phone). From an address that has
had a good login, only the names that are guessed are slowed. The own host and the networks of `bans-never` are never
banned. Everybody else is out after ten different tries.

The daemon writes its list of bans (`book`). When the list changes, systemd starts `run packets`, which is root but
for all except CAP_NET_ADMIN, and which puts the addresses into nftables (`packets`): no other port of mail answers them
either. Without nftables they are refused at the login only. `orders` are the admin's: `smallmail bans`.

Good logins are passed on to the room limits (`reports`), which tells a mailbox's owner of new networks.

fail2ban reads logs, which do not say whether two wrong passwords are the same: it bans the phone.
"""
