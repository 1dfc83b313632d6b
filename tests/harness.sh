# What every run with real processes shares: free ports, a hub, the strict simulator, and an end that leaves nothing
# behind. Sourced, never run; knows no suite.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
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

# The virtual environment of a suite with the packages of its lists, made once and again when a list changes. Suites
# share none: each would put its own versions in the place of the other's. Sets `python`.
environment() {
    local folder=$root/.venv-$1 wanted list
    shift
    wanted=$(cat "$@" | cksum)
    python="$folder/bin/python"
    if [ "$(cat "$folder/.packages" 2>/dev/null)" != "$wanted" ]; then
        [ -x "$python" ] || python3 -m venv "$folder"
        for list in "$@"; do "$python" -m pip install --quiet -r "$list"; done
        echo "$wanted" > "$folder/.packages"
    fi
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# Waits up to twenty seconds for an address to answer; its process must live.
await() {
    local url=$1 pid=$2 try
    for try in $(seq 200); do
        kill -0 "$pid" 2>/dev/null || { echo "process $pid has ended before $url answered" >&2; return 1; }
        curl --silent --fail --max-time 1 --output /dev/null "$url" && return 0
        sleep 0.1
    done
    echo "no answer from $url within twenty seconds" >&2
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

# Starts the strict simulator in STRICT_UPSTREAM with further arguments. Sets simulator_url; its record is
# "$work/upstream.jsonl".
start_simulator() {
    local port
    port=$(free_port)
    simulator_url="http://127.0.0.1:$port"
    (cd "$STRICT_UPSTREAM" && exec "$python" -B strict_upstream.py --port "$port" --log "$work/upstream.jsonl" "$@") > "$work/upstream.log" 2>&1 &
    started+=($!)
    await "$simulator_url/__health" "$!" || { tail -20 "$work/upstream.log" >&2; return 1; }
}
