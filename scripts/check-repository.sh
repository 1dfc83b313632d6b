#!/usr/bin/env bash
# Rules that no compiler checks: size of files, arrows between modules, unfinished work.
set -euo pipefail
cd "$(dirname "$0")/.."
status=0
complain() { echo "$1" >&2; status=1; }

while read -r size file; do
  [ "$size" -gt 40000 ] && complain "$file has $size bytes: more than one idea per file (limit 40000)"
done < <(git ls-files -z -- '*.rs' | xargs -0 -r wc -c | awk '$2 != "total" {print $1, $2}')

unfinished=$(git grep -nE 'todo!\(|unimplemented!\(|#\[ignore|FIXME' -- '*.rs' || true)
[ -z "$unfinished" ] || complain "unfinished: $unfinished"

# Arrows point inward: the translator knows nothing of the rest; routing and pools know no I/O.
forbid() {
  local found
  found=$(git grep -nE "$2" -- "$1" || true)
  [ -z "$found" ] || complain "$1 must not know this ($3): $found"
}
forbid 'translator/src/' '\b(tokio|hyper|reqwest|std::net|std::fs|std::time::(Instant|SystemTime)|rand|fastrand)\b' 'pure: no runtime, network, files, clock, randomness'
forbid 'src/routing/' '\b(tokio|hyper|std::fs|std::net)\b' 'pure functions over a snapshot'
forbid 'src/pool/' '\b(hyper|std::fs|std::net)\b' 'in memory, clock passed in'
forbid 'src/gateway/' '\b(sea_orm|sqlx|std::fs|tokio::fs)\b|\bcrate::(store|admin|control)::' 'reads the snapshot, writes to queues'
forbid 'cli/src/' '\b(bridge|migration|sea_orm|sqlx|poem)::' 'a client of the admin API and of nothing else'
forbid 'src/demo/' '\btranslator::' 'the built-in upstream is an independent witness'
exit $status
