#!/bin/sh
# Make .venv hold exactly what a lock file names, and Millicore itself. Needs no root.
#   deploy/install.sh runtime   what `make demo` and `make serve` need
#   deploy/install.sh test      the same and what the test suite needs
set -eu
cd "$(dirname "$0")/.."
lock="requirements/$1.txt"
python="${PYTHON:-python3}"

"$python" - <<'PY' || exit 1
import sys
if sys.version_info < (3, 11):
    sys.exit(f"Millicore needs Python 3.11 or newer; this is {sys.version.split()[0]}. Set PYTHON=/path/to/python3.11")
PY

wanted=$(cat "$lock" requirements/bootstrap.txt pyproject.toml | cksum)
for stamp in .venv/.installed-test ".venv/.installed-$1"; do
    # The test environment holds all of the runtime one, so a later `make demo` leaves it alone.
    [ -f "$stamp" ] && [ "$1" = runtime ] && [ "$stamp" = .venv/.installed-test ] && wanted_test=$(cat requirements/test.txt requirements/bootstrap.txt pyproject.toml | cksum) && [ "$(cat "$stamp")" = "$wanted_test" ] && exit 0
    [ -f "$stamp" ] && [ "$stamp" = ".venv/.installed-$1" ] && [ "$(cat "$stamp")" = "$wanted" ] && exit 0
done

create_environment() {
    rm -rf .venv
    "$python" -m venv .venv 2>/dev/null && return
    rm -rf .venv
    # Debian splits venv off Python. An uv, or root's package manager, can stand in for it.
    if command -v uv >/dev/null 2>&1; then uv venv --quiet --seed --python "$python" .venv && return; fi
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        echo "Installing Debian's python3-venv, which this Python lacks" >&2
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends python3-venv; } >/dev/null
        "$python" -m venv .venv && return
    fi
    echo "This Python cannot create virtual environments. Once, as root: apt-get install python3-venv" >&2
    exit 1
}

[ -x .venv/bin/python ] && .venv/bin/python -c '' 2>/dev/null || create_environment
rm -f .venv/.installed-*
echo "Installing the packages that $lock names into .venv" >&2
[ -x .venv/bin/uv ] || .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
.venv/bin/uv pip sync --quiet --python .venv/bin/python "$lock" requirements/bootstrap.txt
.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --editable .
printf '%s\n' "$wanted" > ".venv/.installed-$1"
