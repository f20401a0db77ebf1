"""The programs that dpkg, systemd and certbot start; a person types none of them.

All of them are started as `/usr/lib/smallmail/run NAME [ARGUMENT...]`, and __main__.py has the table of names. Units,
certbot's hook and the maintainer scripts know nothing but such a name, so modules may move from version to version.

package.py is for dpkg: configure, triggered, remove. ready.py is for a daemon that is about to start. certificate.py,
dkim.py and daily.py are for timers, and certificate.py for certbot's hook as well. Each has functions that take the
host and the arguments and return the exit code; they only call the rooms below, and print what is new. An error of
errors.EXPECTED becomes one line on standard error and exit code 1, an unknown name exit code 2.

    /usr/lib/smallmail/run ready postfix
"""
