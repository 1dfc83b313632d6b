#!/usr/bin/env bash
# The gauntlet against a hub program; sets up the Python environment that it shares with the SDK suites.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ -x .venv/bin/python ] || python3 -m venv .venv
.venv/bin/python -c 'import yaml' 2>/dev/null || .venv/bin/pip install -q pyyaml==6.0.2
exec .venv/bin/python -B tests/gauntlet/runner.py --hub "$@"
