#!/usr/bin/env bash
# The gauntlet against a hub program.
set -euo pipefail
source "$(dirname "$0")/../harness.sh"
cd "$root"
environment gauntlet tests/gauntlet/requirements.txt
"$python" -B tests/gauntlet/runner.py --hub "$@"
