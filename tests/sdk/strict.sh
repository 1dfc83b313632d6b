#!/usr/bin/env bash
# The same suites with a strict simulator of the vendors as upstream: whatever it refuses is a fault of the hub.
#
#     STRICT_UPSTREAM=path/to/simulator tests/sdk/strict.sh target/debug/bridge
set -euo pipefail
source "$(dirname "$0")/harness.sh"

[ $# = 1 ] && [ -n "${STRICT_UPSTREAM:-}" ] || { echo "usage: STRICT_UPSTREAM=DIRECTORY $0 HUB_BINARY" >&2; exit 2; }
prepare sdk-strict "$STRICT_UPSTREAM/requirements.txt"

upstream_key="strict-upstream-key"
start_simulator --key "openai=$upstream_key" --key "anthropic=$upstream_key" --key "gemini=$upstream_key"
upstream=$simulator_url

export HUB_KEY="sdk-suite-client-key"
cat > "$work/app.yml" <<YAML
CLIENT_KEYS:
  - {name: sdk-suite, key: $HUB_KEY}
PROVIDERS:
  - {name: openai, models: {middle: [gpt-5.1]}, api_format: openai, base_url: "$upstream/v1", api_key: $upstream_key, allow_private_network: true}
  - {name: openai-responses, models: {middle: [gpt-5]}, api_format: openai-responses, base_url: "$upstream/v1", api_key: $upstream_key, allow_private_network: true}
  - {name: anthropic, models: {middle: [claude-sonnet-4-5-20250929]}, api_format: anthropic, base_url: "$upstream", api_key: $upstream_key, allow_private_network: true}
  - {name: gemini, models: {middle: [gemini-3-flash-preview]}, api_format: gemini, base_url: "$upstream/v1beta", api_key: $upstream_key, allow_private_network: true}
YAML
start_hub "$1" "$work/app.yml"

export HUB_URL=$hub_url UPSTREAM=strict
export MODELS=${MODELS:-openai/gpt-5.1,openai-responses/gpt-5,anthropic/claude-sonnet-4-5-20250929,gemini/gemini-3-flash-preview}
failed=0
run_suites || failed=1
echo
"$python" -B "$sdk/rejections.py" "$upstream" || failed=1
exit "$failed"
