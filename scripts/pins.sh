#!/bin/sh
# Write constraints.txt and bench/constraints.txt from fresh environments: `make pins`.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"${PYTHON:-python3}" -m venv "$work/main"
# torch stays where it is: move its pin by hand, to a version that pip finds a CPU build of.
grep '^torch==' constraints.txt >"$work/held"
# From 3.0 on it needs Python 3.11.5: Debian 12 has 3.11.2.
echo 'soupsieve<3' >>"$work/held"
"$work/main/bin/pip" install -q -c "$work/held" -e '.[test,dev,notebooks]'
{
  sed -n '/^#/p' constraints.txt
  "$work/main/bin/pip" freeze --all --exclude pip --exclude-editable | sed 's/+cpu$//' | sort -f
} >"$work/constraints.txt"

"${PYTHON:-python3}" -m venv "$work/bench"
"$work/bench/bin/pip" install -q -r bench/requirements.txt
{
  sed -n '/^#/p' bench/constraints.txt
  "$work/bench/bin/pip" freeze | sort -f
} >"$work/bench.txt"

mv "$work/constraints.txt" constraints.txt
mv "$work/bench.txt" bench/constraints.txt
