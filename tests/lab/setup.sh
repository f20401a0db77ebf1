#!/bin/sh
# Installs what the lab, the tests and the build need on a fresh minimal Debian: only what is missing.
# Run as root; run again it does nothing. The linters that Debian has not packaged come from pip into a venv
# in the lab's cache; when pip cannot reach its index they stay missing, and the tests that want them skip.
set -eu

cache=${SMALLMAIL_LAB_CACHE:-/var/cache/smallmail-lab}
source=$(cd "$(dirname "$0")/../.." && pwd)
export DEBIAN_FRONTEND=noninteractive

lab="git debootstrap systemd-container iproute2 util-linux procps e2fsprogs apt-utils dpkg-dev openssl nftables restic"
python="python3 python3-venv python3-pytest python3-pytest-xdist python3-dnspython python3-idna python3-dkim python3-jinja2 python3-configobj
    python3-apt python3-debconf python3-setuptools python3-stdeb python3-debian python3-yaml"
linters="mypy shellcheck lintian po-debconf devscripts luajit"
pip_linters="ruff vermin checkdmarc"

missing() {
    for package in "$@"; do
        status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
        [ "$status" = installed ] || echo "$package"
    done
}

install() {
    updated=${updated:-no}
    if [ "$updated" = no ]; then
        apt-get -qq update || echo "setup: apt-get update had errors; trying with the lists there are" >&2
        updated=yes
    fi
    apt-get -qq -y --no-install-recommends "$@" </dev/null >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
}

if [ "$(id -u)" != 0 ]; then
    echo "setup: needs root, to install packages by apt" >&2
    exit 1
fi
mkdir -p "$cache"
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# shellcheck disable=SC2046,SC2086  # lists of words, meant to be split
set -- $(missing $lab $python $linters)
if [ $# -gt 0 ]; then
    echo "setup: installing $*"
    install install "$@"
fi
if [ -f "$source/debian/control" ] && ! (cd "$source" && dpkg-checkbuilddeps) 2>/dev/null; then
    echo "setup: installing the build dependencies of debian/control"
    install build-dep "$source"
fi

venv=$cache/linters
for linter in $pip_linters; do
    [ ! -x "$venv/bin/$linter" ] || continue
    echo "setup: fetching $linter by pip"
    [ -x "$venv/bin/pip" ] || /usr/bin/python3 -m venv "$venv"
    "$venv/bin/pip" -q --disable-pip-version-check install --retries 1 --timeout 20 "$linter" >"$log" 2>&1 ||
        echo "setup: $linter is missing: $(tail -n 1 "$log")" >&2
done
