#!/usr/bin/env bash
# The interface's own tests: words and parts by vitest, the size of the first screen, then the walks in a real browser.
# Brings Chromium from Debian where there is none.
set -euo pipefail
cd "$(dirname "$0")/.."

find_chromium() {
  for program in "${CHROMIUM:-}" chromium chromium-browser google-chrome-stable google-chrome; do
    [ -n "$program" ] && command -v "$program" && return
  done
  return 1
}

bring_chromium() {
  local as=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null && sudo -n true 2>/dev/null && as=(sudo -n) || return 1
  fi
  command -v apt-get >/dev/null || return 1
  "${as[@]}" apt-get update -q
  "${as[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends chromium
}

if ! find_chromium >/dev/null; then
  bring_chromium || {
    echo "The walks need Chromium, and it cannot be installed here. Install it (Debian: apt-get install chromium), or name one in CHROMIUM." >&2
    exit 1
  }
fi
CHROMIUM=$(find_chromium)
export CHROMIUM

[ -d node_modules ] || npm install --no-save --no-audit --no-fund
npm run --silent api
[ -f build/index.html ] || npm run --silent build
npm run --silent test
node e2e/size.js
npm run --silent e2e
