#!/usr/bin/env bash
# What tests/deploy/test_hub.py needs beside the hub's software: Chromium. Where something cannot be had, the tests are skipped.
set -euo pipefail
[ "$(id -u)" = 0 ] || exit 0
if [ ! -x /usr/bin/chromium ] && command -v apt-get >/dev/null; then
  apt-get -qq update
  DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends chromium fonts-dejavu-core >/dev/null
fi
exec "$(dirname "$0")/install.sh" "$@"
