"""The certificate that the daemons use: always at the same path, whatever its source is.

state.CURRENT is a symbolic link to a folder beside it with fullchain.pem and privkey.pem (the names that certbot uses).
What certbot or the admin's own tool makes and renews is copied: so smallmail decides when a new certificate comes into
use, because its TLSA record may have to be in DNS first (tlsa.py). A switch changes that link and nothing else; both
daemons then reload.
"""
import hashlib
import os
import re
from typing import Iterable, List, Tuple

from smallmail import pem
from smallmail.errors import Problem
from smallmail.machine import state, state_files
from smallmail.machine.file import File, bytes_of, text_of
from smallmail.machine.host import Failed, Host
from smallmail.settings.fields import Settings

_TEN_YEARS = "3650"


def ensure(host: Host, settings: Settings) -> str:
    """Make or copy the newest certificate for the hostname. Returns its folder, to which state.CURRENT may point.

    The very first one comes into use at once. Raises Problem if certificate is `files` and they cannot be used.
    """
    state_files.make_folder(host, state.TLS)
    if settings.certificate == "files":
        newest = _copied(host, "files", settings.certificate_file, settings.key_file)
    elif settings.certificate == "letsencrypt" and host.exists(lineage(settings) + "/fullchain.pem"):
        newest = _from_certbot(host, "/" + lineage(settings))
    else:
        waits = settings.certificate == "letsencrypt"
        newest = (waits and _valid_until_then(host)) or _self_signed(host, settings.hostname)
    if host.link(state.CURRENT) is None:
        host.point(state.CURRENT, newest)  # the first one: the daemons read it when they judge their configuration
    return newest


def ensured(host: Host, settings: Settings) -> Tuple[str, str]:
    """Do as ensure(), but keep the copy that is in use if the admin's files cannot be used now. Returns the folder, and
    what is wrong with the files, or "". Raises Problem if there is no such copy."""
    try:
        return ensure(host, settings), ""
    except Problem as error:
        if source(host) != "files" or not _is_whole(host, state.CURRENT):
            raise
        return host.link(state.CURRENT) or "", str(error)


def trouble(host: Host, settings: Settings) -> str:
    """Return what is wrong with the admin's own files, in one sentence, or ""."""
    try:
        if settings.certificate == "files":
            _pair(host, settings.certificate_file, settings.key_file)
    except Problem as error:
        return str(error)
    return ""


def source(host: Host) -> str:
    """Return where the certificate in use came from: "letsencrypt", "files" or "self-signed"; "" if there is none."""
    link = host.link(state.CURRENT) or ""
    return next((name for name in ("self-signed", "files") if link.startswith(name)), "letsencrypt" if link else "")


def is_temporary(host: Host, settings: Settings) -> bool:
    """Tell whether the certificate is self-signed only until the one that the settings ask for arrives."""
    return settings.certificate != "self-signed" and source(host) == "self-signed"


def is_self_signed(host: Host) -> bool:
    """Tell whether the certificate in use is self-signed, made by smallmail."""
    return source(host) == "self-signed"


def chain(host: Host, folder: str = state.CURRENT) -> List[Tuple[bytes, bytes]]:
    """Read the certificate in use, or the one in that folder, and those above it. Returns each with its public key, in
    DER."""
    return [(pem.der(text), pem.der(host.run(["openssl", "x509", "-noout", "-pubkey"], text)))
            for text in texts(host, folder)]


def texts(host: Host, folder: str = state.CURRENT) -> List[str]:
    """Read the certificate in a folder and those above it. Returns each in PEM."""
    return pem.blocks("CERTIFICATE", host.text(folder + "/fullchain.pem"))


def lineage(settings: Settings) -> str:
    """Return the folder where certbot keeps the newest certificate for the hostname."""
    return "etc/letsencrypt/live/{}".format(settings.hostname)


def tidy(host: Host, kept: Iterable[str]) -> None:
    """Remove the copies of certificates, except for those in the folders `kept`. The caller holds the lock."""
    for name in host.names(state.TLS):
        if re.match(r"(letsencrypt|files)-[0-9a-f]{12}$", name) and name not in kept:
            for file in host.names(state.TLS + "/" + name):
                host.remove("{}/{}/{}".format(state.TLS, name, file))
            host.remove_folder(state.TLS + "/" + name)


def names(host: Host, folder: str = state.CURRENT) -> List[str]:
    """Return the names for which the certificate in that folder is. Raises Failed if it cannot be read."""
    text = host.run(["openssl", "x509", "-noout", "-text"], host.text(folder + "/fullchain.pem"))
    return re.findall(r"DNS:([^,\s]+)", text)


def fits(host: Host, hostname: str) -> bool:
    """Tell whether the certificate in use is for that name (RFC 6125, 6.4.3: '*' matches one label)."""
    return not {hostname, "*." + hostname.partition(".")[2]}.isdisjoint(names(host))


def _valid_until_then(host: Host) -> str:
    """Return the folder of a certificate that goes on serving until there is one for a new hostname, or from another
    source: the one in use, as certbot renews it meanwhile. Returns "" if that is self-signed, or has expired."""
    newest = host.link(state.CURRENT) or ""
    if source(host) in ("", "self-signed") or not _is_whole(host, state.CURRENT):
        return ""
    try:
        for name in names(host) if source(host) == "letsencrypt" else ():
            if host.exists("etc/letsencrypt/live/{}/fullchain.pem".format(name)):
                newest = _from_certbot(host, "/etc/letsencrypt/live/" + name)
                break
        text = host.text("{}/{}/fullchain.pem".format(state.TLS, newest))
        host.run(["openssl", "x509", "-noout", "-checkend", "0"], text)
    except Failed:
        return ""
    return newest


def _from_certbot(host: Host, folder: str) -> str:
    try:
        return _copied(host, "letsencrypt", folder + "/fullchain.pem", folder + "/privkey.pem")
    except Problem:
        # certbot changes its links one by one: the next run finds a pair. Until then the certificate in use stays.
        return host.link(state.CURRENT) or _self_signed(host, os.path.basename(folder))


def _copied(host: Host, kind: str, certificate: str, key: str) -> str:
    """Copy a certificate and its key into a folder. Returns the folder's name; raises Problem if they do not fit."""
    found, secret = _pair(host, certificate, key)
    name = "{}-{}".format(kind, hashlib.sha256(bytes_of(found)).hexdigest()[:12])
    folder = "{}/{}".format(state.TLS, name)
    host.directory(folder, 0o700)
    for path, text, mode in (("privkey.pem", secret, 0o600), ("fullchain.pem", found, 0o644)):
        if host.text("{}/{}".format(folder, path)) != text:
            host.write("{}/{}".format(folder, path), File(bytes_of(text), mode, "root", "root"))
    return name


def _pair(host: Host, certificate: str, key: str) -> Tuple[str, str]:
    """Read a certificate and its key. Returns both; raises Problem if they cannot be used together."""
    found, secret = _read(host, "certificate-file", certificate), _read(host, "key-file", key)
    certificate_key = _public_key(host, ["openssl", "x509", "-noout", "-pubkey"], found,
                                  "certificate-file: {} is not a readable PEM certificate".format(certificate))
    key_key = _public_key(host, ["openssl", "pkey", "-passin", "pass:", "-pubout"], secret,
                          "key-file: {} is not a readable PEM key without a pass phrase".format(key))
    if certificate_key != key_key:
        raise Problem("certificate-file and key-file do not belong together: {} is not the key of {}".format(
            key, certificate))
    return found, secret


def _read(host: Host, setting: str, path: str) -> str:
    try:
        file = host.file(path[1:])
    except OSError as error:    # a network file system that is away
        raise Problem("{}: {} cannot be read ({})".format(setting, path, error.strerror))
    if file is None:
        raise Problem("{0}: {1} does not exist, or is not a file: put it there, or type"
                      " 'smallmail set {0}=PATH'".format(setting, path))
    return text_of(file.content)


def _is_whole(host: Host, folder: str) -> bool:
    return all(host.text("{}/{}".format(folder, name)) for name in ("fullchain.pem", "privkey.pem"))


def _public_key(host: Host, command: List[str], text: str, sentence: str) -> str:
    try:
        return host.run(command, text)
    except Failed:
        raise Problem(sentence)


def _self_signed(host: Host, hostname: str) -> str:
    name = "self-signed-" + hostname
    # Up to 0.2 openssl wrote the key itself, and after a power cut it could be empty.
    if not _is_whole(host, state.TLS + "/" + name):
        _make_self_signed(host, state.TLS + "/" + name, hostname)
    return name


def _make_self_signed(host: Host, folder: str, hostname: str) -> None:
    """Make a certificate for an ECDSA P-256 key with openssl. The key never leaves the 0700 folder."""
    host.directory(folder, 0o700)
    key = pem.blocks("[A-Z ]*PRIVATE KEY", host.run(["openssl", "ecparam", "-genkey", "-name", "prime256v1", "-noout"]))
    host.write(folder + "/privkey.pem", _pem_file(key, 0o600))
    # openssl of Stretch has no -addext: the alternative name comes by a configuration on standard input.
    config = ("[req]\ndistinguished_name = name\nx509_extensions = extensions\nprompt = no\n[name]\nCN = {}\n"
              "[extensions]\nsubjectAltName = DNS:{}\nbasicConstraints = CA:FALSE\n").format(
                  _common_name(hostname), hostname)
    said = host.run(["openssl", "req", "-new", "-x509", "-sha256", "-days", _TEN_YEARS,
                     "-key", host.path(folder + "/privkey.pem"), "-config", "/dev/stdin"], config)
    host.write(folder + "/fullchain.pem", _pem_file(pem.blocks("CERTIFICATE", said), 0o644))


def _pem_file(blocks: List[str], mode: int) -> File:
    """Return openssl's output as a file: smallmail writes it, so that it is synced before anything refers to it."""
    if len(blocks) != 1:
        raise Problem("openssl made no certificate: does 'openssl version' work?")
    return File((blocks[0] + "\n").encode("ascii"), mode, "root", "root")


def _common_name(hostname: str) -> str:
    """Shorten a name to the 64 characters of X.520; the alternative name is what counts (RFC 6125, 6.4.4)."""
    return hostname if len(hostname) <= 64 else "mail"
