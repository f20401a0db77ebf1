"""The settings: one table of fields, each with its check, its default and its documentation.

A setting has one name everywhere: in debconf (smallmail-server/NAME), as a key of the file, and in
`smallmail set NAME=VALUE`. In Python and in templates its dashes are underscores.
"""
from collections import OrderedDict
from typing import Any, Callable, Dict, NamedTuple

from smallmail import errors
from smallmail.errors import Problem
from smallmail.settings import file_reader, saving, sending, values

PATH = file_reader.PATH

Field = NamedTuple("Field", [
    ("name", str),
    ("check", Callable[[str], str]),    # text -> its normal form; raises ValueError with a sentence
    ("value", Callable[[str], Any]),    # normal form -> what templates see
    ("default", str),
    ("secret", bool),
    ("doc", str),
])


def _field(name: str, check: Callable[[str], str], default: str, doc: str,
           value: Callable[[str], Any] = str, secret: bool = False) -> Field:
    return Field(name, check, value, default, secret, doc)


FIELDS = OrderedDict((field.name, field) for field in [
    _field("hostname", values.hostname, "",
           "The host's name in DNS, in its greeting to other mail servers and in its certificate."),
    _field("domain", values.domains, "", value=str.split, doc=
           "The mail domains that cannot be removed with 'smallmail domain remove', separated by spaces; the first is "
           "the primary one. 'smallmail domain add' adds more."),
    _field("address", values.mailbox, "",
           "The first mailbox. Mail for postmaster, abuse, hostmaster and root is delivered there."),
    _field("certificate", values.certificate, "letsencrypt",
           "Where the certificate comes from: letsencrypt, files, or self-signed. With letsencrypt the host uses "
           "a self-signed certificate until the real one arrives."),
    _field("acme-email", values.optional_address, "",
           "The contact address of this host's account at Let's Encrypt; may be empty."),
    _field("certificate-key", values.certificate_key, "rsa4096",
           "The key of the certificate from Let's Encrypt: rsa4096, which every mail server understands, or ecdsa, "
           "which is smaller."),
    _field("acme-server", values.acme_server, "",
           "The directory URL of an ACME server to use in place of Let's Encrypt."),
    _field("acme-challenge", values.acme_challenge, "http",
           "How you prove to Let's Encrypt that the name is yours: http or dns. http: Let's Encrypt connects to port "
           "80, which no other program may use. dns: certbot sets a DNS record by dynamic update (RFC 2136). This "
           "needs the package python3-certbot-dns-rfc2136; put the lines dns_rfc2136_server, dns_rfc2136_name, "
           "dns_rfc2136_secret and dns_rfc2136_algorithm of its manual into /etc/smallmail/rfc2136.ini, readable by "
           "root only."),
    _field("certificate-file", values.optional_path, "",
           "The certificate with its chain, in PEM, when certificate is 'files'."),
    _field("key-file", values.optional_path, "",
           "The private key of the certificate in certificate-file, in PEM, when certificate is 'files'."),
    _field("rspamd-password", values.line, "", secret=True, doc=
           "The hash ('rspamadm pw') of the password for Rspamd's web page on 127.0.0.1:11334. If empty, "
           "nobody can log in."),
    _field("resolver", values.resolver, "system", value=str.split, doc=
           "Which DNS servers Rspamd asks: system (those of /etc/resolv.conf), local (unbound on this host), or "
           "addresses separated by spaces. Do not use a big public resolver: block lists refuse to answer it."),
    _field("mail-directory", values.mail_directory, "/srv/mail",
           "The folder for the mail, owned by vmail. Existing mail is not moved when this changes."),
    _field("relayhost", values.relayhost, "",
           "The server that all outgoing mail is sent through, as [name]:port. If empty, mail is delivered directly."),
    _field("relay-username", values.relay_username, "", "The user name at the relayhost, without a colon."),
    _field("relay-password", values.line, "", "The password at the relayhost.", secret=True),
    _field("local-senders", sending.local_senders, "",
           value=lambda text: list(map(sending.user_and_sender, text.split())), doc=
           "The sender addresses in your mail domains that programs on this host may use without a password, separated "
           "by spaces: shop@example.org, or @example.org for all in a domain; www-data:shop@example.org allows it to "
           "the UNIX user www-data only. Without this, programs may use root@, postmaster@ and the host's own names, "
           "and mail with other senders in your domains is refused; root is told of it. The user root may use any. For "
           "other programs, create a mailbox and let them log in (port 587 or 465)."),
    _field("message-size-limit", values.size, "50M", value=values.byte_count, doc=
           "The largest message that is accepted, including attachments in their encoded form."),
    _field("quota", values.size, "0", value=values.byte_count, doc=
           "The storage limit of each mailbox, Trash not counted; 0: no limit."),
    _field("greylisting", values.yes_no, "yes", value=lambda text: text == "yes", doc=
           "Whether mail that looks somewhat like spam and comes from an unknown sender is deferred for some minutes; "
           "real mail servers try again."),
    _field("bans-never", values.networks, "", value=str.split, doc=
           "Addresses and networks that are never banned, separated by spaces, as in 192.0.2.0/24. From them, too, "
           "guessed names are slowed. This host itself is never banned. 'smallmail bans never' adds to it."),
    _field("limit-messages-hour", sending.limit, "400", value=int, doc=
           "How many messages a mailbox may send in an hour; 0: no limit. 'smallmail user limit' gives a mailbox "
           "limits of its own. What is beyond a limit is refused with an answer that says until when, and the "
           "postmaster is told."),
    _field("limit-messages-day", sending.limit, "1000", value=int, doc=
           "How many messages a mailbox may send in a day (24 hours); 0: no limit."),
    _field("limit-recipients-hour", sending.limit, "400", value=int, doc=
           "To how many recipients a mailbox may send in an hour, those of all its messages together; 0: no limit."),
    _field("limit-recipients-day", sending.limit, "1000", value=int, doc=
           "To how many recipients a mailbox may send in a day; 0: no limit."),
    _field("limit-new-network", sending.limit, "100", value=int, doc=
           "To how many recipients a mailbox may send in a day from networks that it has not sent from before (the /16 "
           "of an IPv4 address, the /32 of an IPv6 address); 0: no limit of its own. A network counts as new for a "
           "day. A stolen password is mostly used from elsewhere."),
    _field("notify", sending.notify, "", doc=
           "What is told, beside the postmaster, when a mailbox reaches a limit: a URL that gets the text by POST, or "
           "a program, by its full path, that gets it on standard input. The program gets no arguments, runs as the "
           "user smallmail-limits, and is ended after 30 seconds. Mail may be what is broken, or what nobody reads "
           "now."),
    _field("login-notice", values.yes_no, "no", value=lambda text: text == "yes", doc=
           "Whether the owner of a mailbox gets a letter when somebody logs in with its password from a network that "
           "was not used in the last 60 days (see limit-new-network), to read mail, to send it or to change filters. "
           "The networks of the first day of a mailbox are known. A letter may name several logins; there is one in an "
           "hour and there are six in a day at most. Off by default, because who changes networks often learns to "
           "ignore such letters."),
    _field("backup-repository", saving.repository, "local", doc=
           "Where 'smallmail backup' saves to, each night: local (/var/backups/smallmail, which helps against "
           "mistakes, but not against the loss of the disk), off, the full path of a folder (a mounted disk), or a "
           "repository of restic, as in sftp:backup@nas.example.org:/smallmail or s3:https://s3.example.org/bucket "
           "(restic(1)). What it needs to log in is in /etc/smallmail/backup.env, readable by root only: lines as in "
           "AWS_ACCESS_KEY_ID=…. If the address of the repository contains a password, the line RESTIC_REPOSITORY=… "
           "belongs there, too, and this setting says environment."),
    _field("backup-keep", saving.keep, "7d 5w 12m", value=str.split, doc=
           "Which backups are kept: the last one of each of so many days (d), weeks (w), months (m) and years (y), "
           "separated by spaces; all: each of them."),
    _field("take-over", values.yes_no, "no", value=lambda text: text == "yes", doc=
           "Whether smallmail may change a mail configuration that existed on this host before it."),
])


class Settings:
    """All settings, checked. An attribute is the value that templates see; `text(name)` is the text in the file."""

    def __init__(self, texts: Dict[str, str]) -> None:
        """Check every text. Raises Problem with one sentence for the first one that is wrong."""
        self._texts = OrderedDict()  # type: OrderedDict[str, str]
        for name, field in FIELDS.items():
            given = texts.get(name, "")
            try:
                self._texts[name] = field.check(given) if given.strip() else field.default
            except ValueError as error:
                raise Problem("{}: {}".format(name, error))

    def __getattr__(self, attribute: str) -> Any:
        name = attribute.replace("_", "-")
        if attribute.startswith("_") or name not in FIELDS:
            raise AttributeError(attribute)
        return FIELDS[name].value(self._texts[name])

    def text(self, name: str) -> str:
        """Return the setting's text in its normal form."""
        return self._texts[name]


def known(name: str) -> Field:
    """Return the field of that name. Raises WrongUsage, with the nearest name, when there is none."""
    if name not in FIELDS:
        raise errors.no_such("setting", name, list(FIELDS), "smallmail.conf(5) lists them")
    return FIELDS[name]
