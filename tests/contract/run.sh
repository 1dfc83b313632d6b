#!/usr/bin/env bash
# Holds a running hub to its own document: as an administrator, every operation with inputs made from its schema, good
# and bad. No answer with a status, a kind of content or a body that the document does not tell of, and no 5xx.
#
#     tests/contract/run.sh target/debug/bridge        CONTRACT_SECONDS bounds the run (100)
set -euo pipefail
source "$(dirname "$0")/../harness.sh"

[ $# = 1 ] || { echo "usage: $0 HUB_BINARY" >&2; exit 2; }
here=$root/tests/contract
environment contract "$here/requirements.txt"

password="a-long-pass-phrase-for-contracts"
cat > "$work/app.yml" <<YAML
ADMIN_EMAIL: admin@example.com
ADMIN_PASSWORD: $password
DATABASE_PATH: $work/app.db
CLIENT_KEYS:
  - {name: contract, key: contract-suite-client-key}
YAML
start_hub "$1" "$work/app.yml" --demo

ask() { curl --silent --show-error --fail --max-time 10 "$@"; }
member() { "$python" -c "import json, sys; print(json.load(sys.stdin)['$1'])"; }
log_in() {
    ask -H 'content-type: application/json' -d "{\"email\": \"$1\", \"password\": \"$password\"}" \
        "$hub_url/api/auth/login" | member access_token
}
token=$(log_in admin@example.com)
as_admin="authorization: Bearer $token"
ask -H "$as_admin" "$hub_url/openapi.json" > "$work/openapi.json"
# Something to look at: requests, and what they cost.
for _ in 1 2 3; do
    ask -o /dev/null -H 'authorization: Bearer contract-suite-client-key' -H 'content-type: application/json' \
        -d '{"model": "demo-openai/demo-model-chat", "messages": [{"role": "user", "content": "hello"}]}' \
        "$hub_url/v1/chat/completions"
done

# Streams never end. What ends sessions is tried last, by somebody else.
streams=(logs_tail key_pools_events)
endings=(auth_logout auth_password auth_session_end auth_sessions_end users_sessions_end users_reset_password)
# These ask whatever provider has been made up, and tests ask nobody outside this machine.
outward=(providers_test providers_models key_pools_keys_test key_pools_test health_check_all health_check)
# Without a session it answers as the data plane does: a client key may ask it, too.
shared=(translate_explain)
others=()
for operation in "${streams[@]}" "${endings[@]}" "${outward[@]}" "${shared[@]}"; do others+=(--exclude-operation-id "$operation"); done
last=()
for operation in "${endings[@]}"; do last+=(--include-operation-id "$operation"); done

# Seconds, the token, and which operations.
hold() {
    local seconds=$1 bearer=$2
    shift 2
    timeout $((seconds + 60)) "$(dirname "$python")/schemathesis" run "$work/openapi.json" --url "$hub_url" \
        --header "authorization: Bearer $bearer" --workers 1 --request-timeout 15 --continue-on-failure \
        --suppress-health-check all --phases coverage,fuzzing --max-examples 6 --max-time "$seconds" \
        --generation-deterministic --no-shrink --warnings off \
        --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,response_headers_conformance \
        "$@"
}

cd "$work"
status=0
hold "${CONTRACT_SECONDS:-100}" "$token" "${others[@]}" || status=$?
# Otherwise the run would have tested how the hub says that nobody is logged in.
ask -o /dev/null -H "$as_admin" "$hub_url/api/auth/me" || { echo "the session did not outlive the run" >&2; status=1; }
ask -o /dev/null -H "$as_admin" -H 'content-type: application/json' \
    -d "{\"email\": \"other@example.com\", \"password\": \"$password\", \"role\": \"admin\"}" "$hub_url/api/users"
hold 15 "$(log_in other@example.com)" "${last[@]}" || status=$?
[ "$status" = 0 ] || { echo "last lines of the hub's log:"; tail -20 "$work/hub.log"; } >&2
exit "$status"
