#!/bin/sh
# Blocks move to slots and back under load and nobody notices; flushes reach both devices.
# vm: memory=768 smp=2 timeout=300
. /lib/vm.sh
load_remap
nullb under 32
nullb spare 16
# writes reach main 30 ms late, so that there are always some under way when a block moves
need_modules dm-delay
dmsetup create main --table "0 $(sectors /dev/under) delay /dev/under 0 0 /dev/under 0 30" && dmsetup mknodes main
ln -s mapper/main /dev/main
check "create" remap_create r /dev/main /dev/spare block_size 8
r=/dev/mapper/r

fio --name=load --filename=$r --rw=randrw --bs=4k --size=8m --direct=1 --ioengine=libaio --iodepth=16 \
  --verify=crc32c --verify_backlog=64 --verify_fatal=1 --time_based --runtime=20 --output=/run/fio.log &
load=$!
moves=0
while kill -0 $load 2>/dev/null; do
  block=$((moves * 37 % 2000))
  dmsetup message r 0 remap $block 40 >/run/reply || fail "remap $block"
  grep -q '^ok done=40$' /run/reply || fail "remap $block: $(cat /run/reply)"
  [ $((moves % 2)) = 0 ] || dmsetup message r 0 unmap $((block - 20)) 30 >/run/reply || fail "unmap: $(cat /run/reply)"
  moves=$((moves + 1))
done
wait $load || { cat /run/fio.log; fail "verification under load"; }
pass "$moves moves under load"
[ "$moves" -gt 3 ] || fail "only $moves moves"
[ "$(status r manual_remaps)" -gt 100 ] || fail "manual_remaps"
same "slots" "$(status r slots_used)" "$(status r remaps)"

# everything reads the same through the map, after it is gone, and after unmapping all
dd if=$r of=/run/a bs=1M count=32 iflag=direct 2>/dev/null
check "remove" dmsetup remove r
check "create" remap_create r /dev/main /dev/spare block_size 8
dd if=$r of=/run/b bs=1M count=32 iflag=direct 2>/dev/null
check "the same after re-activation" cmp /run/a /run/b
dmsetup message r 0 unmap 0 8192 | grep -q '^ok done=8192' || fail "unmap all"
same "remaps" "$(status r remaps)" 0
same "slots_used" "$(status r slots_used)" 0
dd if=$r of=/run/b bs=1M count=32 iflag=direct 2>/dev/null
check "the same on main" cmp /run/a /run/b
check "the raw main" cmp -n 33554432 /run/a /dev/under

# what cannot be read is not moved, and says so
nullb_bad under 4000 8
refuse "remap of an unreadable block" dmsetup message r 0 remap 500
same "it is pending" "$(status r pending)" 1
nullb_good under 4000 8
dmsetup message r 0 remap 498 5 | grep -q '^failed done=2 block=500' || fail "a range stops at the first failure"
check "clear" dmsetup message r 0 pending clear 500
check "remap again" dmsetup message r 0 remap 500
check "twice" dmsetup message r 0 remap 500
same "remaps" "$(status r remaps)" 3

# a slot taken out of use moves what it holds
slot=$(dmsetup message r 0 query 4000 | sed 's/.* slot=\([0-9]*\).*/\1/')
check "mark_slot_bad" dmsetup message r 0 mark_slot_bad "$slot"
same "slots_bad" "$(status r slots_bad)" 1
[ "$(dmsetup message r 0 query 4000 | sed 's/.* slot=\([0-9]*\).*/\1/')" != "$slot" ] || fail "still in slot $slot"
dd if=$r of=/run/b bs=1M count=32 iflag=direct 2>/dev/null
check "the same" cmp /run/a /run/b

# sub-block writes to a remapped block
check "write" put_sector $r 4003 0xc1
check "read" is_sector $r 4003 0xc1
dd if=/run/a of=/run/want bs=512 skip=4004 count=1 2>/dev/null
get /run/b $r 500
dd if=/run/b of=/run/got bs=512 skip=4 count=1 2>/dev/null
check "its neighbour is unharmed" cmp /run/want /run/got

# write-zeroes and discard over remapped and clean blocks
if [ "$(cat /sys/block/dm-0/queue/write_zeroes_max_bytes)" -gt 0 ]; then
  check "write zeroes" blkdiscard -z -o $((496 * 4096)) -l $((16 * 4096)) $r
fi
check "flush" dd if=/run/a of=$r bs=4096 count=1 conv=notrunc,fsync
check "flush with slots in use" dd if=/run/a of=$r bs=4096 seek=600 count=1 conv=notrunc,fsync
check "remove" dmsetup remove r
