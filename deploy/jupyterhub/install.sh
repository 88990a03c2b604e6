#!/usr/bin/env bash
# Puts a hub's software into a folder (/opt/llm-hub when none is given): a virtual environment with JupyterHub and this
# package in venv/, the proxy in proxy/. Run as root; again after an update. See README.md beside this file.
set -euo pipefail
course="$(cd "$(dirname "$0")/../.." && pwd)"
folder="${1:-/opt/llm-hub}"
python="${HUB_PYTHON:-/usr/bin/python3}"  # one that every user can run: not one in root's home
proxy="configurable-http-proxy@5.3.0"

stop() { echo "No hub here: $*"; exit 1; }

[ "$(id -u)" = 0 ] || stop "only root can make one."
[ -x "$python" ] || stop "there is no $python; set HUB_PYTHON."
command -v npm >/dev/null || stop "npm, which the proxy comes with, is missing. On Debian: apt-get install npm"
mkdir -p "$folder"
chmod a+rx "$folder"

# What checks the code of this project has no business on a hub. soupsieve's locked version wants a newer Python than
# Debian 12 has; pip takes the newest that will do.
tools="axe-playwright-python|build|cfgv|deptry|distlib|grimp|hypothesis|identify|import-linter|mypy|nodeenv|playwright|pre_commit"
tools="$tools|pyproject_hooks|pytest|pytest-xdist|python-discovery|requirements-parser|ruff|tomli|virtualenv"
wanted="$folder/requirements.txt"
grep -vE "^(soupsieve|$tools)==" "$course/requirements.lock" > "$wanted"
cat "$course/deploy/jupyterhub/requirements.txt" >> "$wanted"
mark="$("$python" --version) $(sha256sum < "$wanted")"
if [ "$(cat "$folder/installed" 2>/dev/null)" != "$mark" ]; then
  "$python" -m venv --clear "$folder/venv" || stop "$python cannot make virtual environments. On Debian: apt-get install python3-venv"
  "$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$wanted"
  echo "$mark" > "$folder/installed"
fi
[ -x "$folder/proxy/node_modules/.bin/configurable-http-proxy" ] ||
  npm install --silent --no-audit --no-fund --prefix "$folder/proxy" "$proxy"

build="$(mktemp -d)"  # a build leaves files beside what it builds
trap 'rm -rf "$build"' EXIT
cp -r "$course/autograder" "$course/pyproject.toml" "$course/README.md" "$course/LICENSE" "$build"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --force-reinstall "$build"
chmod -R a+rX "$folder/venv" "$folder/proxy"
