#!/bin/sh
# Slots are worn alike; what is written most moves to those that were written least.
# vm: memory=768 smp=2 timeout=600
. /lib/vm.sh
load_remap
need_modules configfs
mount -t configfs none /sys/kernel/config 2>/dev/null
nullb under 64
nullb spare 8
r=/dev/mapper/r
message() { dmsetup message r 0 "$@"; }
check "create" remap_create r /dev/under /dev/spare block_size 8
slot_of() { message query $(($1 * 8)) | sed 's/.* slot=\([0-9]*\).*/\1/'; }

# runs get runs of slots; a hot block wears its slot
dd if=/dev/urandom of=/run/a bs=1M count=4 2>/run/dd.log
put /run/a $r 0 1024
message remap 100 50 | grep -q '^ok done=50' || fail "remap"
same "one run" "$(message list remaps | wc -l)" 1
message remap 300 10 | grep -q '^ok done=10' || fail "remap"
message remap 150 10 | grep -q '^ok done=10' || fail "remap"
first=$(slot_of 120)
dd if=/run/a of=/run/one bs=4096 skip=120 count=1 2>/run/dd.log
i=0
while [ $i -lt 40 ]; do put /run/one $r 120; i=$((i + 1)); done
same "wear" "$(status r wear_max) $(status r wear_min)" "41 0"
check "remove" dmsetup remove r
check "create" remap_create r /dev/under /dev/spare block_size 8
same "wear is kept" "$(status r wear_max)" 41

message rebalance | grep -q '^ok moved=1$' || fail "rebalance"
[ "$(slot_of 120)" != "$first" ] || fail "not moved"
same "remaps and slots" "$(status r remaps) $(status r slots_used) $(status r slots_bad)" "70 70 0"
message rebalance | grep -q '^ok moved=0$' || fail "rebalance again"
get /run/b $r 0 1024
check "nothing has changed" cmp /run/a /run/b
check "remove" dmsetup remove r
check "create" remap_create r /dev/under /dev/spare block_size 8
same "remaps and slots" "$(status r remaps) $(status r slots_used) $(status r slots_bad)" "70 70 0"
get /run/b $r 0 1024
check "nothing has changed" cmp /run/a /run/b

# under load, with every slot of a run worn
fio --name=load --filename=$r --rw=randwrite --bs=4k --offset=400k --size=200k --io_size=16m --rate_iops=1000 --direct=1 --ioengine=libaio \
  --iodepth=8 --eta=never --verify=crc32c --do_verify=1 --verify_fatal=1 --output=/run/fio.log &
load=$!
moved=0
while kill -0 $load 2>/dev/null; do
  message rebalance >/run/reply || fail "rebalance"
  moved=$((moved + $(sed -n 's/^ok moved=//p' /run/reply)))
done
wait $load || { cat /run/fio.log; fail "verification under load"; }
[ "$moved" -gt 0 ] || fail "nothing moved under load"
pass "$moved moves under load"
same "remaps and slots" "$(status r remaps) $(status r slots_used) $(status r slots_bad)" "70 70 0"
refuse "trailing words" message rebalance now
check "remove" dmsetup remove r
