#!/usr/bin/env bash
# What the crash proof and its mutants share; sourced, in the root of the tree.

# workload LOG OPERATIONS SEED [ARGUMENT…]: runs it in the virtual machine; the log is kept as the image LOG.
workload() {
  local log=$1 operations=$2 seed=$3
  shift 3
  mkdir -p "$(dirname "$log")" build/vm
  tests/vm/run --add build/release/bin/crash_workload:/bin/crash_workload --save "vd0:$log" \
    --set "operations=$operations" --set "seed=$seed" "$@" tests/crash/guest.sh
}

# replay LOG ARGUMENT…: what is loaded is always the target as it is.
replay() {
  local log=$1
  shift
  build/release/bin/crash_replay --module build/release/tests/sim/sim_remap.so --log "$log" "$@"
}
