"""The settings: what they are, where they are kept, and how they are asked for.

`fields` is the one table of settings: name, check, default and documentation of each. `values` has the checks,
and `sending` those that are about what the host sends: each returns a text in its normal form or raises ValueError
with one sentence. `rules` has what must be true between settings. `file_format` reads and changes the text of
/etc/smallmail/smallmail.conf, and `store` does it on a host. That file is the truth; debconf only carries answers to
it.

`questions` is the table of debconf's questions, and `ask` asks them. These two, with `values` and daemons/foreign.py,
become the package's config script, which runs before the package is unpacked (debian/embed.py).

The verbs and programs load the settings once and pass them on. Templates see the same object:
`settings.mail_directory`.

    settings = store.load(host)         # raises Problem, in one sentence
    settings.domain                     # ["example.org"]
    settings.text("quota")              # "2G", as in the file
"""
