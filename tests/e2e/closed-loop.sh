#!/usr/bin/env bash
# The quickstart closes the loop, and its plans say why, what and with what result. Prints the times from the kernel's
# I/O error to the read-back in the node, which the product wants below 5 s.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
state=$root/build/e2e-closed-loop
"$root/deploy/quickstart" --once --state "$state" | tee "$state.log"

grep -q 'the loop has closed' "$state.log"
grep -q 'all 16 files match' "$state.log"
jq -e '.state == "STATE_APPLIED" and (.evidence | length > 0) and all(.evidence[]; .range.first_sector and .what and .time)
  and .read_back.table and .read_back.status and (.read_back.queries | length > 0)' "$state/plan.json" >/dev/null ||
  { echo "the plan lacks evidence or read-back:"; cat "$state/plan.json"; exit 1; }
mapfile -t seconds < <(sed -n 's/.*from the kernel error to the read-back in the node: \([0-9.]*\) s$/\1/p' "$state.log")
[[ ${#seconds[@]} -eq 2 ]] || { echo "expected two times, found ${#seconds[@]}"; exit 1; }
for time in "${seconds[@]}"; do
  echo "figure: from the kernel error to the read-back in the node: $time s"
done
