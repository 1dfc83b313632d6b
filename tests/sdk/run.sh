#!/usr/bin/env bash
# Drives a hub and its demo upstream with the vendors' own SDKs, Python and Node: every client with every upstream.
#
#     tests/sdk/run.sh target/debug/bridge
#
# CLIENTS and MODELS narrow the run (see python/run.py).
set -euo pipefail
source "$(dirname "$0")/harness.sh"

[ $# = 1 ] || { echo "usage: $0 HUB_BINARY" >&2; exit 2; }
prepare sdk

export HUB_KEY="sdk-suite-client-key"
cat > "$work/app.yml" <<YAML
CLIENT_KEYS:
  - {name: sdk-suite, key: $HUB_KEY}
YAML
start_hub "$1" "$work/app.yml" --demo

export HUB_URL=$hub_url UPSTREAM=demo
export MODELS=${MODELS:-demo-openai/demo-model-chat,demo-responses/demo-model-responses,demo-anthropic/demo-model-messages,demo-gemini/demo-model-generate}
run_suites
