#!/bin/sh
# A target over main and spare, both on one dm-log-writes device, so that one log has all writes in order; bad sectors
# of main and spare are above it, so that no write that failed is in the log.
# vm: disk=vd0:2G memory=768 smp=2 timeout=1800
. /lib/vm.sh
load_remap
need_modules dm-log-writes virtio_blk

sectors=16384 offset=2048 spare=12288
main=$((offset + sectors))
nullb under 16 512 cache_size=1
mapped() { dmsetup create "$1" --table "$2" && dmsetup mknodes "$1"; }
mark() { dmsetup message log 0 mark "$1" || fail "mark $1"; }
check "log" mapped log "0 $((main + spare)) log-writes /dev/under /dev/vda"
check "main" mapped main "0 $main linear /dev/mapper/log 0"
# slots that take no data
check "spare" mapped spare "0 6000 linear /dev/mapper/log $main
6000 192 error
6192 $((spare - 6192)) linear /dev/mapper/log $((main + 6192))"
table="1:main:$offset:1:spare:0:$spare:2:block_size:8"
mark "slice,main,0,$main,1"
mark "slice,spare,$main,$spare,2"
mark "target,$sectors,$offset,$table"
check "fill main" crash_workload fill $sectors $offset
mark filled
check "target" mapped r "0 $sectors remap $(echo "$table" | sed 's/:/ /g; s, main , /dev/mapper/main ,; s, spare , /dev/mapper/spare ,')"
# shellcheck disable=SC2154  # of the kernel's command line
check "workload" crash_workload run $sectors $offset "${VM_OPERATIONS:-4000}" "${VM_SEED:-1}"
dmsetup status r
for key in auto_remaps manual_remaps rehabilitated read_errors; do echo "$(status r $key) $key"; done
[ "$(status r auto_remaps)" -ge 500 ] || fail "too few remaps by write errors"
[ "$(status r manual_remaps)" -ge 100 ] || fail "too few proactive copies"
same "mode" "$(status r mode)" rw
check "remove" dmsetup remove r
check "remove" dmsetup remove main
check "remove" dmsetup remove spare
check "remove" dmsetup remove log
! dmesg | grep 'device-mapper: log-writes' || fail "the log is not whole"
