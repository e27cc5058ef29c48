#!/bin/sh
# Install the Debian packages that the test suite starts: Prometheus, PostgreSQL, Chromium.
set -eu
missing=""
for part in prometheus:/usr/bin/promtool postgresql:/usr/lib/postgresql chromium:/usr/bin/chromium fonts-noto-cjk:/usr/share/fonts/opentype/noto; do
    [ -e "${part#*:}" ] || missing="$missing ${part%%:*}"
done
[ -z "$missing" ] && exit 0
as_root=""
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null 2>&1 || { echo "The tests need these Debian packages; as root: apt-get install$missing" >&2; exit 1; }
    as_root=sudo
fi
echo "Installing Debian packages for the tests:$missing" >&2
# The services themselves are not wanted: the tests start their own on free ports.
log=$(mktemp)
{ $as_root apt-get update -qq && $as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
    apt-get install -qq -y --no-install-recommends $missing; } >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
