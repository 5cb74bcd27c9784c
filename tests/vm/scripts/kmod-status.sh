#!/bin/sh
# The status line: every key of the contract, in its order, and the counters and gauges that no other script looks at.
# vm: memory=768 smp=2 timeout=120
. /lib/vm.sh
load_remap
scsi_debug_disks 1 dev_size_mb=64
# shellcheck disable=SC2154 # set by scsi_debug_disks
disk=${disks#/dev/}
nullb spare 16
check "create" remap_create r "/dev/$disk" /dev/spare block_size 8 copies 3 read_retries 0
r=/dev/mapper/r

keys="block_size md_gen md_copies_ok md_copies slots slots_used slots_bad remaps pending lost rehabilitated salvaged
auto_remaps manual_remaps predicted_remaps read_errors write_errors nonmedia_errors retries_ok reads writes
remapped_reads remapped_writes fast_path slow_path cache_hits cache_misses seq_ios random_ios scrub_state scrub_pos
scrub_total scrub_found scrub_rate hot_regions error_clusters wear_max wear_min health commits commit_fail
last_error_s events"
# shellcheck disable=SC2046,SC2086 # words
same "keys" "$(echo $(dmsetup status r | cut -d' ' -f6- | tr ' ' '\n' | sed 's/=.*//'))" "$(echo $keys)"
same "the grammar's version" "$(dmsetup status r | cut -d' ' -f4)" 1
same "copies" "$(status r md_copies) $(status r md_copies_ok)" "3 3"
same "nothing has happened" "$(status r health) $(status r last_error_s) $(status r nonmedia_errors)" "100 0 0"

# how many I/Os went which way: 10 to main, then of a pending block
fast=$(status r fast_path)
get /run/b $r 100 10
same "all on the fast path" "$(status r fast_path) $(status r slow_path)" "$((fast + 10)) 0"
check "mark" dmsetup message r 0 pending add 200
refuse "a pending block" get /run/b $r 200
same "one on the slow path" "$(status r fast_path) $(status r slow_path)" "$((fast + 10)) 1"
same "a pending block is 2 off" "$(status r health)" 98
check "remap 10 of them" dmsetup message r 0 remap 300 10
slots=$(status r slots)
same "slots that are gone" "$(status r health)" $((100 - 40 * 10 / slots - 2))
check "clear" dmsetup message r 0 pending clear 200
same "back again" "$(status r health)" $((100 - 40 * 10 / slots))

# what is not of the medium is counted as that, and marks nothing
before=$(date +%s)
echo offline >"/sys/block/$disk/device/state"
refuse "a disk that is gone" get /run/b $r 150
echo running >"/sys/block/$disk/device/state"
[ "$(status r nonmedia_errors)" -ge 1 ] || fail "not counted: $(dmsetup status r)"
same "as nothing else" "$(status r read_errors) $(status r pending)" "0 0"
last=$(status r last_error_s)
[ "$last" -ge "$before" ] && [ "$last" -le "$(date +%s)" ] || fail "the last error was at $last, not from $before on"
check "reading again" get /run/b $r 150

# counters go back to nothing, gauges stay
check "reset" dmsetup message r 0 stats reset
same "counters" "$(status r nonmedia_errors) $(status r slow_path) $(status r manual_remaps)" "0 0 0"
same "gauges" "$(status r remaps) $(status r slots_used) $(status r md_copies)" "10 10 3"
check "remove" dmsetup remove r
