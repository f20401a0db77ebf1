"""The command `smallmail`: its verbs, their arguments, and how an error reads."""
import argparse
import json
import os
import sys
from typing import Any, Callable, List

from smallmail import __version__
from smallmail.commands import (
    accounts,
    certificate,
    check,
    configuration,
    dkim as commands_dkim,
    dns as commands_dns,
    publish,
    settings,
    status,
    telling,
)
from smallmail.errors import EXPECTED, Problem
from smallmail.machine.host import Host


def main(arguments: List[str]) -> int:
    """Run one verb; the exit code: 0 fine, 1 a problem (or something to do), 2 usage."""
    options = parser().parse_args(arguments)
    try:
        if os.geteuid() != 0:
            raise Problem("only root may do this: type 'sudo smallmail {}'".format(" ".join(arguments)))
        return int(options.run(Host(), options))
    except Problem as error:
        print("smallmail: {}".format(error), file=sys.stderr)
    except EXPECTED as error:
        print("smallmail: {}: {}".format(type(error).__name__, error), file=sys.stderr)
    except (KeyboardInterrupt, EOFError):
        print("smallmail: interrupted", file=sys.stderr)
    return 1


def parser() -> argparse.ArgumentParser:
    """All verbs; smallmail(8) is made from this too."""
    top = argparse.ArgumentParser(prog="smallmail", description="Run one's own mail server: settings, accounts, state.")
    top.add_argument("--version", action="version", version="smallmail " + __version__)
    found = top.add_subparsers(dest="verb", metavar="VERB")
    found.required = True
    _reading(found, "status", status.status, "One screen on the state of the host.")
    checking = _reading(found, "check", check.check, "What is wrong with the host, why it matters and what to"
                        " type. In all of these groups, or those named: host (its name, clock, disk, services, what was"
                        " changed by hand), dns (as 'dns check', and the resolvers), tls (the certificate as it is"
                        " served), ports (open here; does mail get out), mail (the queue, and whether each daemon"
                        " answers the next), reputation (block lists), updates (security updates of mail's packages)."
                        " Exit code 1 when there is a problem; what could not be asked is none. Once a day"
                        " smallmail-check.timer does the same, and mails the postmaster what has changed.")
    checking.add_argument("groups", nargs="*", metavar="GROUP")
    showing = _reading(found, "show", settings.show, "All settings, or those named.")
    showing.add_argument("names", nargs="*", metavar="KEY")
    setting = _verb(found, "set", settings.set_, "Change settings and apply them.")
    setting.add_argument("changes", nargs="+", metavar="KEY=VALUE")
    setting.add_argument("--password-stdin", action="store_true",
                         help="read the value of a secret given as 'KEY=' from standard input")
    _reading(found, "plan", configuration.plan_,
             "What apply would change, as a diff; exit code 1 when there is something.")
    applying = _verb(found, "apply", configuration.apply_, "Bring the host to what the settings say.")
    applying.add_argument("--replace", action="append", default=[], metavar="NAME", help="write smallmail's own version"
                          " of a file (its path), parameter or service that was changed by hand; may be repeated")
    told = _reading(found, "history", configuration.history_,
                    "The last ten configurations and what asked for each; with a"
                    " number, how that one differs from the one before it.")
    told.add_argument("number", nargs="?", type=int, metavar="N")
    back = _verb(found, "rollback", configuration.rollback,
                 "Back to the settings and the own Postfix lines of configuration N"
                 " of the history; without a number, of the one before the present one.")
    back.add_argument("number", nargs="?", type=int, metavar="N")
    _account_verbs(found)
    shown = _group(found, "certificate", "The certificate that the daemons serve.")
    _reading(shown, "status", certificate.status, "Whose it is, until when, whether it is served, and what it"
             " waits for; exit code 1 when something is wrong with it.")
    _verb(shown, "obtain", certificate.obtain, "Ask Let's Encrypt for it now, without waiting for the timer.") \
        .add_argument("--new", action="store_true", help="replace one that is still valid, and its key; where DNS has"
                      " TLSA records, the new one is served once they have both keys")
    _dns_verbs(found)
    _dkim_verbs(found)
    return top


def _dns_verbs(found: Any) -> None:
    dns = _group(found, "dns", "The host's and its domains' records in DNS.")
    showing = _reading(dns, "show", commands_dns.show,
                       "All records for all domains, as zone file text with a reason each;"
                       " with --plain field by field, for typing them into the web form of a DNS host.")
    showing.add_argument("--plain", action="store_true", help="names relative to the domain, values without quotes")
    checking = _reading(dns, "check", commands_dns.check, "Ask the domains' own name servers, past all caches, whether"
                        " what they say lets mail flow: addresses, MX, SPF, DKIM, DMARC, CAA, reverse names,"
                        " DNSSEC, and the name servers themselves. It judges what records mean and not how they are"
                        " written, and tells what to type for each problem; exit code 1 when there is one.")
    checking.add_argument("names", nargs="*", metavar="DOMAIN")
    publishing = _verb(dns, "publish", publish.publish, "Put the records into DNS by dynamic update (RFC 2136)"
                       " and wait until all name servers show them. Shows what it would change and asks first. Adds"
                       " what is missing and changes what it has put there itself; what others wrote stays, and is"
                       " named where it does not serve. /etc/smallmail/rfc2136.ini says which name server takes"
                       " updates.")
    publishing.add_argument("names", nargs="*", metavar="DOMAIN")
    publishing.add_argument("--yes", action="store_true", help="do not ask; without a terminal nothing is changed else")
    publishing.add_argument("--replace", action="append", nargs=2, default=[], metavar=("NAME", "TYPE"),
                            help="replace records that others wrote, too; may be repeated")
    publishing.add_argument("--json", action="store_true", help="for programs; changes nothing without --yes")


def _dkim_verbs(found: Any) -> None:
    dkim = _group(found, "dkim", "The keys that prove mail of the domains unforged.")
    _reading(dkim, "list", commands_dkim.list_,
             "All keys, their age, and what each is for: signing; next, and which name"
             " servers it waits for; old, and when to delete its record from DNS.")
    rotating = _verb(dkim, "rotate", commands_dkim.rotate,
                     "Change the keys of all domains, or of those named, without a"
                     " gap. Makes the next keys and shows their records, or publishes them where smallmail publishes"
                     " ('smallmail dns publish'). They sign as soon as all name servers show them, which is looked at"
                     " every ten minutes, and at once when this is typed again. The former keys' records stay for two"
                     " weeks more, for mail that is on its way.")
    rotating.add_argument("names", nargs="*", metavar="DOMAIN")
    rotating.add_argument("--new", action="store_true", help="change them even though the last change is not over: for"
                          " keys that others may know")
    rotating.add_argument("--json", action="store_true", help="for programs")


def _account_verbs(found: Any) -> None:
    domain = _group(found, "domain", "Mail domains.")
    for name, run, words in (("add", accounts.domain_add, "A new mail domain."),
                             ("remove", accounts.domain_remove, "Remove a domain without mailboxes.")):
        _verb(domain, name, run, words).add_argument("name", metavar="DOMAIN")
    _reading(domain, "list", accounts.domain_list, "All domains.")

    user = _group(found, "user", "Mailboxes.")
    for name, run, words in (("add", accounts.user_add, "A new mailbox; asks for its password."),
                             ("passwd", accounts.user_passwd, "Another password for a mailbox.")):
        verb = _verb(user, name, run, words)
        verb.add_argument("address", metavar="ADDRESS")
        verb.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    _verb(user, "remove", accounts.user_remove, "Remove a mailbox's entry; its mail stays on the disk.") \
        .add_argument("address", metavar="ADDRESS")
    _reading(user, "list", accounts.user_list, "All mailboxes.")

    alias = _group(found, "alias", "Addresses that lead to others; @DOMAIN is a catch-all.")
    adding = _verb(alias, "add", accounts.alias_add, "Mail for ADDRESS goes to DESTINATION too.")
    adding.add_argument("address", metavar="ADDRESS")
    adding.add_argument("destination", metavar="DESTINATION")
    removing = _verb(alias, "remove", accounts.alias_remove, "Remove an alias, or one of its destinations.")
    removing.add_argument("address", metavar="ADDRESS")
    removing.add_argument("destination", metavar="DESTINATION", nargs="?", default="")
    _reading(alias, "list", accounts.alias_list, "All aliases.")


def _group(found: Any, name: str, words: str) -> Any:
    group = found.add_parser(name, help=words, description=words).add_subparsers(dest="action", metavar="ACTION")
    group.required = True
    return group


def _verb(found: Any, name: str, run: Any, words: str) -> argparse.ArgumentParser:
    verb = found.add_parser(name, help=words.partition(". ")[0].rstrip(".") + ".",  # the rest on its own page
                            description=words)  # type: argparse.ArgumentParser
    verb.set_defaults(run=run)
    return verb


def _reading(found: Any, name: str, run: Callable[[Host, argparse.Namespace], telling.Told],
             words: str) -> argparse.ArgumentParser:
    """A verb that changes nothing: `run` returns (text, data, exit code), and --json prints the data."""
    def tell(host: Host, options: argparse.Namespace) -> int:
        text, data, code = run(host, options)
        print(json.dumps(data, indent=2, ensure_ascii=False) if options.json else text)
        return code

    verb = _verb(found, name, tell, words)
    verb.add_argument("--json", action="store_true", help="for programs")
    return verb
