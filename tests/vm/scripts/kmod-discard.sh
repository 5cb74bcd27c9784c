#!/bin/sh
# Discard and write-zeroes over clean, remapped and pending blocks.
# vm: memory=768 timeout=180
. /lib/vm.sh
load_remap
modprobe scsi_debug dev_size_mb=32 per_host_store=1 add_host=2 lbpu=1 lbpws=1 || fail "scsi_debug"
modprobe sd_mod
find_disks() {
  disks=
  for d in /sys/block/sd*; do
    grep -q scsi_debug "$d/device/model" 2>/dev/null && [ -b "/dev/${d##*/}" ] && disks="$disks /dev/${d##*/}"
  done
  [ "$(echo $disks | wc -w)" = 2 ]
}
wait_until 10 find_disks || fail "no two scsi_debug disks: $disks"
main=${disks% *} spare=${disks##* }
main=${main# }
check "create" remap_create r "$main" "$spare" block_size 8
r=/dev/mapper/r
q=/sys/block/$(dmsetup info -c --noheadings -o blkdevname r)/queue
[ "$(cat "$q/discard_max_bytes")" -gt 0 ] || fail "no discard"
[ "$(cat "$q/write_zeroes_max_bytes")" -gt 0 ] || fail "no write-zeroes"

head -c 1048576 /dev/urandom >/run/data
check "write" dd if=/run/data of=$r bs=1M count=1 oflag=direct conv=notrunc
check "remap" dmsetup message r 0 remap 10 5
check "pending" dmsetup message r 0 pending add 30 2
check "discard blocks 8 to 39" blkdiscard -o 32768 -l 131072 $r
same "remaps" "$(status r remaps)" 5
same "pending" "$(status r pending)" 2
refuse "a pending block" get /run/back $r 30
check "blocks around it" get /run/back $r 40 100
tail -c +$((40 * 4096 + 1)) /run/data | head -c 409600 >/run/want
check "unharmed" cmp /run/want /run/back
dd if=/dev/zero of=/run/zero bs=4096 count=32 2>/dev/null
get /run/back $r 10
dd if=/run/data of=/run/want bs=4096 skip=10 count=1 2>/dev/null
cmp -s /run/want /run/back || cmp -n 4096 /run/zero /run/back || fail "a discarded remapped block is neither old nor zeros"
pass "a discarded remapped block is old or zeros"


# busybox' blkdiscard cannot write zeroes; util-linux' can
if ! blkdiscard --help 2>&1 | grep -q zeroout; then
  echo "write-zeroes: not checked, there is nothing here to ask for them"
  check "remove" dmsetup remove r
  exit 0
fi
check "write again" dd if=/run/data of=$r bs=40k count=1 seek=2 oflag=direct conv=notrunc
check "write zeroes to blocks 8 to 39" blkdiscard -z -o 32768 -l 131072 $r
same "pending" "$(status r pending)" 0
same "remaps" "$(status r remaps)" 7
check "read" get /run/back $r 8 32
check "all zeros" cmp /run/zero /run/back
check "a part of remapped blocks" blkdiscard -z -o $((11 * 4096 + 512)) -l 4096 $r
check "remove" dmsetup remove r
check "create" remap_create r "$main" "$spare" block_size 8
check "read" get /run/back $r 8 32
check "still zeros" cmp /run/zero /run/back
check "remove" dmsetup remove r
