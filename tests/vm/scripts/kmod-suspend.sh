#!/bin/sh
# Suspend, resume, reload and removal lose nothing, with I/O under way.
# vm: memory=768 timeout=300
. /lib/vm.sh
load_remap
nullb main 32
nullb spare 16
nullb_bad main 160 80      # blocks 20 to 29
check "create" remap_create r /dev/main /dev/spare block_size 8
r=/dev/mapper/r
line="$(dmsetup table r)"
check "write all" dd if=/dev/zero of=$r bs=1M count=32 oflag=direct conv=notrunc

fio --name=load --filename=$r --rw=randrw --bs=4k --size=8m --direct=1 --ioengine=libaio --iodepth=8 \
  --verify=crc32c --verify_backlog=64 --verify_fatal=1 --time_based --runtime=15 --output=/run/fio.log &
load=$!
n=0
while kill -0 $load 2>/dev/null; do
  dmsetup suspend r || fail "suspend"
  dmsetup resume r || fail "resume"
  dmsetup message r 0 remap $((100 + n)) >/dev/null || fail "remap"
  dmsetup load r --table "$line" || fail "load"
  dmsetup suspend --noflush --nolockfs r || fail "suspend"
  dmsetup resume r || fail "resume to the new table"
  n=$((n + 1))
done
wait $load || { cat /run/fio.log; fail "verification across suspend and reload"; }
pass "$n reloads under load"
[ "$n" -gt 3 ] || fail "only $n reloads"
[ "$(status r remaps)" -ge "$n" ] || fail "remaps were lost: $(status r remaps)"
for b in 20 29; do
  dmsetup message r 0 query $((b * 8)) | grep -q ' remapped ' || fail "block $b is not remapped"
done

# pending blocks survive a reload that follows at once
nullb_bad main 8000 24
dmsetup load r --table "$line" || fail "load"
refuse "read of blocks 1000 to 1002" get /run/back $r 1000 3
get /run/back $r 1001
get /run/back $r 1002
dmsetup resume r || fail "resume to the new table"
same "pending" "$(status r pending)" 3

# a table that fails to resume leaves the old one usable
refuse "message to a suspended device" sh -c 'dmsetup suspend r; dmsetup message r 0 remap 2000'
check "resume" dmsetup resume r
check "message" dmsetup message r 0 remap 2000

# removal under I/O: deferred until the last user is gone, and nothing is lost
dd if=$r of=/run/a bs=1M count=32 iflag=direct 2>/dev/null
dd if=/run/a of=$r bs=64k conv=notrunc oflag=direct 2>/dev/null &
dmsetup remove --deferred r || fail "remove --deferred"
wait $!
wait_until 10 sh -c '! dmsetup info r >/dev/null 2>&1' || fail "still there"
dmesg | grep -qE 'BUG|Oops' && fail "the kernel complained"
nullb_good main 160 80
nullb_good main 8000 24
check "create" dmsetup create r --table "$line"
[ "$(status r remaps)" -ge "$n" ] || fail "remaps after removal"
same "three are pending" "$(dmsetup message r 0 list pending | awk '{ n += $2 } END { print n }')" 3
check "remove" dmsetup remove r
check "unload" rmmod dm_remap
