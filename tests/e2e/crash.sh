#!/usr/bin/env bash
# kill -9 of controller, agent or PostgreSQL at three points of the loop: right after the fault, once the evidence is
# committed, once the plan is on its way. After the restart the loop closes; each fault has one plan and one slot; no
# record that was acknowledged is missing.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=deploy/stack.sh
. "$root/deploy/stack.sh"
stack_prepare "$root/build/e2e-crash"
trap 'status=$?; if [[ $status -ne 0 ]]; then tail -n 30 "$stack/controller.log"; agent_log | tail -n 30; ctl plan list; fi; stack_down; exit $status' EXIT

fail() { echo "FAIL: $*"; exit 1; }
kill_postgres() { "$root/deploy/postgres-local" kill "$stack/pg"; }
connected() { [[ $(ctl --json status | jq .hosts_connected) == 1 ]]; }

database_start
controller_start
controller_ready
node_start
agent_start
await 60 "the agent to connect" connected

sector=8000
faults=()
# fault: a sector that fails for reads and is read.
fault() {
  sector=$((sector + 8 * 1024))
  faults+=("read:$sector")
  node_fault ide0 "${faults[@]}"
  node "dd if=/dev/mapper/data0 of=/dev/null bs=4096 skip=$((sector / 8)) count=1 iflag=direct" >/dev/null 2>&1 && fail "the sector can be read"
  return 0
}
committed() { [[ $(sql "select count(*) from io_error where first_sector = $sector") != 0 ]]; }
issued() { [[ $(sql "select count(*) from plan where state in (3, 4)") -ge ${#faults[@]} ]]; }
applied() { [[ -n $(plan_for "$sector" APPLIED) ]]; }

crash() {
  local who=$1
  echo "  kill -9 $who"
  case $who in
    controller) controller_kill; controller_start ;;
    agent) agent_kill; agent_start ;;
    postgres) kill_postgres; database_start ;;
  esac
}

for who in controller agent postgres; do
  for point in fault committed issued; do
    echo "$who at $point"
    fault
    case $point in
      committed) await 30 "the evidence to be committed" committed ;;
      issued) await 30 "the plan to be issued" issued ;;
    esac
    crash "$who"
    await 90 "the plan for sector $sector after the crash of $who at $point" applied
  done
done

count=${#faults[@]}
plans_found=$(sql "select count(*) from plan")
[[ $plans_found -eq $count ]] || fail "$plans_found plans for $count faults"
[[ $(sql "select count(*) from plan where state = 4") -eq $count ]] || fail "not every plan is applied"
[[ $(sql "select count(*) from audit where action = 'plan.applied'") -eq $count ]] || fail "a plan was applied twice"
# What each boot's position says is committed is there: the numbers have no hole.
holes=$(sql "with seqs as (select boot_id, seq from health_sample union all select boot_id, seq from io_error
  union all select boot_id, seq from weak_block union all select boot_id, seq from remap_status
  union all select boot_id, seq from telemetry_gap)
  select count(*) from (select boot_id, seq, count(*) from seqs group by 1, 2 having count(*) > 1) as doubles")
[[ $holes -eq 0 ]] || fail "$holes records are stored twice"
pending=$(node 'dmsetup message data0 0 "list pending"' | grep -c ' pending ' || true)
[[ $pending -ge 1 ]] || fail "the target has no pending block"
echo "$count faults, $count plans applied once each"
