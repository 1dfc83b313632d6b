# What both runs share: the tools, a hub on a free port, and an end that leaves no process behind. Sourced, never run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
sdk="$root/tests/sdk"
python="$root/.venv/bin/python"
node="$sdk/node/node_modules/node/bin/node"
# The configuration holds keys: nobody else may read it.
umask 077
work=$(mktemp -d)
started=()

finish() {
    for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${started[@]}"; do wait "$pid" 2>/dev/null || true; done
    rm -rf "$work"
}
trap finish EXIT

# The virtual environment and the Node packages, made once and again when their lists change.
prepare() {
    local wanted
    wanted=$(cat "$sdk/python/requirements.txt" "$@" | cksum)
    if [ "$(cat "$root/.venv/.sdk-suite" 2>/dev/null)" != "$wanted" ]; then
        [ -x "$python" ] || python3 -m venv "$root/.venv"
        local list
        for list in "$sdk/python/requirements.txt" "$@"; do "$python" -m pip install --quiet -r "$list"; done
        echo "$wanted" > "$root/.venv/.sdk-suite"
    fi
    wanted=$(cksum < "$sdk/node/package.json")
    if [ "$(cat "$sdk/node/node_modules/.sdk-suite" 2>/dev/null)" != "$wanted" ] || [ ! -x "$node" ]; then
        (cd "$sdk/node" && npm install --no-audit --no-fund --loglevel=error)
        echo "$wanted" > "$sdk/node/node_modules/.sdk-suite"
    fi
    # The system's Node may be older than the SDKs allow: the suite brings its own.
    "$node" --version > /dev/null
}

free_port() {
    "$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# Waits up to ten seconds for an address to answer; its process must live.
await() {
    local url=$1 pid=$2 try
    for try in $(seq 100); do
        kill -0 "$pid" 2>/dev/null || { echo "process $pid has ended before $url answered" >&2; return 1; }
        curl --silent --fail --max-time 1 --output /dev/null "$url" && return 0
        sleep 0.1
    done
    echo "no answer from $url within ten seconds" >&2
    return 1
}

# Starts the hub: its binary, its configuration, and further arguments. Sets hub_url.
start_hub() {
    local binary=$1 config=$2 port
    binary=$(realpath "$binary")
    shift 2
    port=$(free_port)
    hub_url="http://127.0.0.1:$port"
    (cd "$work" && exec "$binary" serve --config "$config" --host 127.0.0.1 --port "$port" "$@") > "$work/hub.log" 2>&1 &
    started+=($!)
    await "$hub_url/health" "$!" || { tail -40 "$work/hub.log" >&2; return 1; }
}

# Runs both suites; HUB_URL, HUB_KEY, MODELS and UPSTREAM are in the environment. Fails when one of them fails.
run_suites() {
    local failed=0
    timeout 120 "$python" -B "$sdk/python/run.py" || failed=1
    echo
    timeout 120 "$node" "$sdk/node/run.mjs" || failed=1
    [ "$failed" = 0 ] || { echo; echo "last lines of the hub's log:"; tail -20 "$work/hub.log"; }
    return "$failed"
}
