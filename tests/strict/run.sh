#!/usr/bin/env bash
# The hub against a strict simulator of the four vendors: every fault in every pair, then agents' loops whose model and
# vendor change on the way.
# usage: STRICT_UPSTREAM=DIR tests/strict/run.sh HUB_PROGRAM     (DIR holds strict_upstream.py and its requirements.txt)
# SUITES=loops runs that suite alone.
set -euo pipefail
source "$(dirname "$0")/../harness.sh"

[ $# = 1 ] && [ -n "${STRICT_UPSTREAM:-}" ] || { echo "usage: STRICT_UPSTREAM=DIRECTORY $0 HUB_PROGRAM" >&2; exit 2; }
environment strict "$STRICT_UPSTREAM/requirements.txt"
start_simulator

export HUB_KEY=sk-strict-0123456789
cat > "$work/app.yml" <<YAML
AUTH: required
CIRCUIT_BREAKER: {failure_threshold: 1000000, recovery_timeout: 1}
CLIENT_KEYS:
  - {name: strict, key: $HUB_KEY}
PROVIDERS:
$(keys=$(for n in $(seq 160); do printf 'sk-upstream-%04d, ' "$n"; done)
for entry in sim-chat:openai sim-responses:openai-responses sim-anthropic:anthropic sim-gemini:gemini; do
  # The faults after which a key rests have providers of their own.
  for fault in "" -err_401 -err_402 -err_403 -err_429 -err_429_long -err_429_nohdr -err_429_date -err_429_quota; do
    echo "  - {name: ${entry%%:*}$fault, api_format: ${entry##*:}, base_url: \"$simulator_url\", keys: [${keys%, }], timeout: 15, max_retries: 0, allow_private_network: true}"
  done
done)
  - {name: sim-deepseek, profile: deepseek, api_format: openai, base_url: "$simulator_url", api_key: sk-upstream, timeout: 15, max_retries: 0, allow_private_network: true}
YAML
export REQUEST_LOG="$work/requests.jsonl"
start_hub "$1" "$work/app.yml"

export HUB_URL=$hub_url SIMULATOR_URL=$simulator_url SIMULATOR_LOG="$work/upstream.jsonl"
status=0
for suite in ${SUITES:-loops faults}; do "$python" -B "$root/tests/strict/$suite.py" || status=1; done
if grep -i panicked "$work/hub.log"; then
    echo "the hub panicked" >&2
    status=1
fi
[ -z "${KEEP_RECORD:-}" ] || cp "$work/upstream.jsonl" "$KEEP_RECORD"
exit $status
