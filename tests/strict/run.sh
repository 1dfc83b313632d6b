#!/usr/bin/env bash
# The hub against a strict simulator of the four vendors: every fault in every pair, then the vendors' SDKs.
# usage: STRICT_UPSTREAM=DIR tests/strict/run.sh HUB_PROGRAM     (DIR holds strict_upstream.py and its requirements.txt)
set -euo pipefail
cd "$(dirname "$0")/../.."
hub=${1:?give the path of the hub program}
simulator=${STRICT_UPSTREAM:?set STRICT_UPSTREAM to the folder of the simulator}
work=$(mktemp -d)
pids=()
finish() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap finish EXIT

venv=.venv-strict
if ! [ -e "$venv/ready" ] || ! cmp -s "$simulator/requirements.txt" "$venv/ready"; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install -q -r "$simulator/requirements.txt"
  cp "$simulator/requirements.txt" "$venv/ready"
  chmod u+w "$venv/ready"
fi

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
wait_for() {
  for _ in $(seq 200); do
    if python3 -c "import urllib.request,sys; urllib.request.urlopen(sys.argv[1], timeout=1)" "$1" 2>/dev/null; then return 0; fi
    sleep 0.1
  done
  echo "nothing answers at $1" >&2
  return 1
}

up=$(free_port)
port=$(free_port)
"$venv/bin/python" -B "$simulator/strict_upstream.py" --port "$up" --log "$work/up.jsonl" >"$work/up.out" 2>&1 &
pids+=($!)
cat >"$work/app.yml" <<YAML
HOST: 127.0.0.1
PORT: $port
AUTH: required
CIRCUIT_BREAKER: {failure_threshold: 1000000, recovery_timeout: 1}
CLIENT_KEYS:
  - {name: faults, key: sk-faults-0123456789}
PROVIDERS:
$(keys=$(for n in $(seq 160); do printf 'sk-upstream-%04d, ' "$n"; done)
for entry in sim-chat:openai sim-responses:openai-responses sim-anthropic:anthropic sim-gemini:gemini; do
  # The faults after which a key rests have providers of their own.
  for fault in "" -err_401 -err_402 -err_403 -err_429 -err_429_long -err_429_nohdr -err_429_date -err_429_quota; do
    echo "  - {name: ${entry%%:*}$fault, api_format: ${entry##*:}, base_url: \"http://127.0.0.1:$up\", keys: [${keys%, }], timeout: 15, max_retries: 0, allow_private_network: true}"
  done
done)
YAML
REQUEST_LOG="$work/requests.jsonl" "$hub" serve --config "$work/app.yml" >"$work/hub.out" 2>&1 &
pids+=($!)
wait_for "http://127.0.0.1:$up/__health"
wait_for "http://127.0.0.1:$port/health" || { cat "$work/hub.out"; exit 1; }

status=0
HUB_URL="http://127.0.0.1:$port" HUB_KEY=sk-faults-0123456789 SIMULATOR_URL="http://127.0.0.1:$up" python3 tests/strict/faults.py || status=1
if grep -i panicked "$work/hub.out"; then
  echo "the hub panicked" >&2
  status=1
fi
exit $status
