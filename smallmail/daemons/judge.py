"""What was carried out of larger files: see the names below."""
import re
from typing import List

from smallmail.errors import Problem
from smallmail.machine.host import Failed, Host

MILTER = "var/spool/postfix/smallmail/milter.sock"
_PROXY = ["etc/rspamd/local.d/worker-proxy.inc", "etc/rspamd/override.d/worker-proxy.inc"]


class Refused(Problem):
    """A daemon does not take a configuration; the message carries what it said."""

    def __init__(self, daemon: str, words: str) -> None:
        super().__init__(words)
        self.daemon = daemon


def judge(stage: Host, daemon: str) -> None:
    """Let that daemon judge the staged configuration, which this may adapt to where it stands; raises Refused with its
    words."""
    if daemon not in _QUESTIONS or not stage.exists("etc/" + daemon):
        return      # certbot, too, reads a file of ours
    try:
        _QUESTIONS[daemon](stage)
    except Failed as error:
        raise Refused(daemon, str(error).replace(stage.root + "/", "/"))


def _judge_postfix(stage: Host) -> None:
    """postfix(1) check, on the staged folder."""
    if stage.exists("etc/mailname"):
        # main.cf names it by its full path, where it may not stand yet.
        stage.run(["postconf", "-c", stage.path("etc/postfix"), "-e", "myorigin=" + stage.path("etc/mailname")])
    command = ["postfix", "-c", stage.path("etc/postfix"), "check"]
    try:
        stage.run(command)
    except Failed as error:
        # Some versions tell a terminal only what is wrong, and else the log: script(1) is one, and in every Debian.
        said = str(error).partition("failed: ")[2]
        raise Failed("'postfix check' failed: {}".format(_for_a_terminal(stage, command) if said.isdigit() else said))


def _for_a_terminal(stage: Host, command: List[str]) -> str:
    """What a command that fails says to a terminal."""
    try:
        return stage.run(["script", "-qec", " ".join(command), "/dev/null"])
    except Failed as error:
        return str(error).partition("failed: ")[2].replace("\r", "")


def _judge_dovecot(stage: Host) -> None:
    """doveconf(1) reads the whole configuration and ends with an error where it does not understand it."""
    stage.run(["doveconf", "-n", "-c", stage.path("etc/dovecot/dovecot.conf")])


def _judge_rspamd(stage: Host) -> None:
    """rspamadm(1) configtest, with Rspamd's own variables for its folders pointed at the stage."""
    folder = stage.path("etc/rspamd")
    stage.run(["rspamadm", "--var=CONFDIR=" + folder, "--var=LOCAL_CONFDIR=" + folder, "configtest", "-c",
               folder + "/rspamd.conf"])
    # It would be content to listen somewhere else, and Postfix would put off all mail.
    sentence = elsewhere(stage)
    if sentence:
        raise Failed(sentence)


def elsewhere(host: Host) -> str:
    """The sentence on a file that keeps Rspamd from listening where Postfix asks it; empty when there is none.
    (Rspamd's own configdump would tell, but asks the DNS first.)"""
    ours, override = (re.sub(r"(?m)^\s*#.*$", "", host.text(path)) for path in _PROXY)
    sentence = "/{} keeps Rspamd from listening on /{}, where Postfix asks it"
    if re.search(r"(?m)^\s*bind_socket\b", override):
        return "" if MILTER in override else sentence.format(_PROXY[1], MILTER)
    return "" if MILTER in ours else sentence.format(_PROXY[0], MILTER)


_QUESTIONS = {
    "postfix": _judge_postfix,
    "dovecot": _judge_dovecot,
    "rspamd": _judge_rspamd,
}
