#!/usr/bin/env bash
# kill -9 of controller, agent or PostgreSQL at three points of the loop: right after the fault, once the evidence is
# committed, once the plan is on its way; and a fault while no agent runs. After the restart the loop closes; each fault has one plan, applied once; and
# every record that the agent, by its own durable account, was told is committed, is in the database once.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=deploy/stack.sh
. "$root/deploy/stack.sh"
stack_prepare "$root/build/e2e-crash"
trap 'status=$?; if [[ $status -ne 0 ]]; then tail -n 30 "$stack/controller.log"; agent_log | tail -n 30; ctl plan list; fi; stack_down; exit $status' EXIT

fail() { echo "FAIL: $*"; exit 1; }
kill_postgres() { "$root/deploy/postgres-local" kill "$stack/pg"; }
# Its metrics are the last thing that it starts.
agent_looks() { node 'wget -q -O /dev/null http://127.0.0.1:9477/metrics'; }
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

# acknowledged_is_there: what the agent believes is acknowledged against what the database holds. The agent's word is
# read first: both only grow.
acknowledged_is_there() {
  local boot given acked stored
  read -r boot given acked < <(node 'cat /var/lib/remapfleet/agent/spool/state')
  [[ $acked =~ ^[0-9]+$ && $acked -gt 0 ]] || fail "the agent's account cannot be read: '$boot $given $acked'"
  stored=$(sql "with seqs as (select boot_id, seq from health_sample union all select boot_id, seq from io_error
    union all select boot_id, seq from weak_block union all select boot_id, seq from remap_status
    union all select boot_id, seq from telemetry_gap union all select boot_id, seq from outcome
    union all select boot_id, seq from drive_inventory
    union all select boot_id, seq from drive_latency)
    select count(*) || ' ' || count(distinct seq) from seqs where boot_id = '$boot' and seq <= $acked")
  [[ $stored == "$acked $acked" ]] || fail "the agent was told that records 1 to $acked are committed; stored and distinct: $stored"
  echo "  $acked of $given records acknowledged, all of them stored once"
}

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
    await 60 "the agent to look for errors" agent_looks
    fault
    case $point in
      committed) await 30 "the evidence to be committed" committed ;;
      issued) await 30 "the plan to be issued" issued ;;
    esac
    crash "$who"
    await 90 "the plan for sector $sector after the crash of $who at $point" applied
    acknowledged_is_there
  done
done

echo "an error while no agent looks"
agent_kill
fault
agent_start
await 90 "the plan for sector $sector, whose error only the target saw" applied
acknowledged_is_there

count=${#faults[@]}
# A slow machine may find slow blocks beside an error and plan for those too: each plan counts for its own sectors.
for fault in "${faults[@]}"; do
  plans_found=$(plan_for "${fault#read:}" APPLIED | wc -l)
  [[ $plans_found -eq 1 ]] || fail "$plans_found plans for the fault $fault"
done
[[ $(sql "select count(*) from plan where state <> 4") -eq 0 ]] || fail "not every plan is applied"
[[ -z $(sql "select subject from audit where action = 'plan.applied' group by subject having count(*) > 1") ]] || fail "a plan was applied twice"
pending=$(node 'dmsetup message data0 0 "list pending"' | grep -c ' pending ' || true)
[[ $pending -eq $count ]] || fail "the target has $pending pending blocks for $count faults"
echo "$count faults, $count plans applied once each"
