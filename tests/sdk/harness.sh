# What both runs share: the SDKs of both languages and the run of their suites. Sourced, never run.

source "$(dirname "${BASH_SOURCE[0]}")/../harness.sh"
sdk="$root/tests/sdk"
node="$sdk/node/node_modules/node/bin/node"

# The virtual environment of this name, with further lists, and the Node packages, made once and again when their
# lists change.
prepare() {
    local wanted name=$1
    shift
    environment "$name" "$sdk/python/requirements.txt" "$@"
    wanted=$(cksum < "$sdk/node/package.json")
    if [ "$(cat "$sdk/node/node_modules/.sdk-suite" 2>/dev/null)" != "$wanted" ] || [ ! -x "$node" ]; then
        (cd "$sdk/node" && npm install --no-audit --no-fund --loglevel=error)
        echo "$wanted" > "$sdk/node/node_modules/.sdk-suite"
    fi
    # The system's Node may be older than the SDKs allow: the suite brings its own.
    "$node" --version > /dev/null
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
