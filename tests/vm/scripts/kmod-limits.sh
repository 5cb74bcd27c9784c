#!/bin/sh
# The limits: max_remaps, bad slots side by side, block sizes of 4096 bytes on either side, transient errors, polled I/O,
# bursts of errors at once, and how soon pending blocks are durable.
# vm: memory=900 timeout=400
. /lib/vm.sh
load_remap
disks=""
r=/dev/mapper/r
head -c 2097152 /dev/urandom >/run/data

nullb main 32
nullb spare 16
for b in 10 11 12 13; do nullb_bad main $((b * 8)) 8; done
check "create" remap_create r /dev/main /dev/spare block_size 8 max_remaps 3
check "three bad blocks" put /run/data $r 10 3
refuse "the fourth" put /run/data $r 13
same "remaps" "$(status r remaps)" 3
same "mode" "$(status r mode)" rw
refuse "a proactive one" dmsetup message r 0 remap 100
dmesg | grep -q '100% of the slots are used' || fail "no word about it"
check "write to those that are" put /run/data $r 10 3
check "unmap none, keep them" get /run/back $r 10 3
check "as written" cmp -n 12288 /run/data /run/back
# one whose slot is bad gets another all the same
at=$(dmsetup message r 0 query 80 | sed 's/.*spare_sector=\([0-9]*\).*/\1/')
nullb_bad spare "$at" 8
check "write over a bad slot" put /run/data $r 10
same "remaps" "$(status r remaps)" 3
line=$(dmsetup table r)
echo "$line" | grep -q 'max_remaps 3' || fail "table: $line"
dmsetup table r | dmsetup load r || fail "dmsetup table | dmsetup load"
check "resume" dmsetup resume r
same "the same table" "$(dmsetup table r)" "$line"
same "remaps" "$(status r remaps)" 3

# a hundred bad slots side by side do not make a spare read-only
start=$(dmsetup message r 0 query 88 | sed 's/.*spare_sector=\([0-9]*\).*/\1/')
nullb_bad spare $((start + 32)) 800
check "no limit" dmsetup load r --table "$(echo "$line" | sed 's/ 4 block_size 8 max_remaps 3/ 2 block_size 8/')"
check "resume" dmsetup resume r
check "the fourth" put /run/data $r 13
nullb_bad main 160 64
check "eight more" put /run/data $r 20 8
same "mode" "$(status r mode)" rw
same "remaps" "$(status r remaps)" 12
[ "$(status r slots_bad)" -ge 90 ] || fail "slots_bad $(status r slots_bad)"
check "read" get /run/back $r 20 8
check "as written" cmp -n 32768 /run/data /run/back
check "remove" dmsetup remove r

# 256 blocks that fail at once: few commits
nullb main2 64
nullb spare2 16
nullb_bad main2 0 131072
check "create" remap_create r /dev/main2 /dev/spare2 block_size 8
check "64 bad blocks at once" fio --name=x --filename=$r --direct=1 --rw=write --bs=4k --size=256k --ioengine=libaio \
  --iodepth=64 --iodepth_batch_submit=64 --iodepth_batch_complete_min=64 --verify=crc32c --output=/run/fio.log
same "all are remapped" "$(status r remaps)" 64
before=$(status r commits)
check "256 bad blocks at once" fio --name=x --filename=$r --direct=1 --rw=write --bs=4k --size=1m --offset=1m --ioengine=libaio \
  --iodepth=256 --iodepth_batch_submit=256 --iodepth_batch_complete_min=256 --output=/run/fio.log
same "all are remapped" "$(status r remaps)" 320
commits=$(($(status r commits) - before))
[ "$commits" -le 8 ] || fail "256 errors took $commits commits"
pass "256 errors took $commits commits"
check "remove" dmsetup remove r

# pending blocks are durable within a second even while others go on failing
nullb main3 32
nullb spare3 16
check "create" remap_create r /dev/main3 /dev/spare3 block_size 8
nullb_bad main3 0 65536
before=$(status r commits)
n=0
while [ "$(status r commits)" = "$before" ] && [ $n -lt 80 ]; do
  get /run/back $r $((n * 5)) && fail "a bad block was read"
  usleep 50000
  n=$((n + 1))
done
[ $n -lt 80 ] || fail "pending blocks are not made durable while more come"
pass "durable after $n more errors"
check "remove" dmsetup remove r
for d in main spare main2 spare2 main3 spare3; do rmdir "/sys/kernel/config/nullb/$d"; done

# polled I/O over remapped, pending and failing blocks comes back
nullb pmain 32 512 poll_queues=1 submit_queues=1
nullb pspare 16 512 poll_queues=1 submit_queues=1
check "create" remap_create r /dev/pmain /dev/pspare block_size 8
polled() { fio --name=x --filename=$r --ioengine=pvsync2 --hipri --direct=1 --bs=64k --size=1m --output=/run/fio.log "$@"; }
nullb_bad pmain 160 80
check "polled write over bad blocks" polled --rw=write --verify=crc32c --do_verify=0
[ "$(status r remaps)" -eq 10 ] || fail "remaps $(status r remaps)"
check "polled read" polled --rw=read --verify=crc32c
check "remove" dmsetup remove r

# a main with blocks of 4096 bytes and a spare with 512, and the other way round; a 512e main
try() { # NAME MAIN_BLOCK SPARE_BLOCK: one 4096-byte piece of a 32 KiB block is bad
  nullb m 32 "$2"
  nullb s 16 "$3"
  check "$1: create" remap_create r /dev/m /dev/s block_size 64
  same "$1: logical block" "$(cat "/sys/block/$(dmsetup info -c --noheadings -o blkdevname r)/queue/logical_block_size")" 4096
  check "$1: write" dd if=/run/data of=$r bs=32k count=8 oflag=direct conv=notrunc
  nullb_bad m $((64 + 17)) 1
  check "$1: a write to the bad piece" put /run/data $r 10
  same "$1: remaps" "$(status r remaps)" 1
  same "$1: slots_bad" "$(status r slots_bad)" 0
  check "$1: read all" dd if=$r of=/run/back bs=32k count=8 iflag=direct
  { head -c 40960 /run/data; head -c 4096 /run/data; head -c 262144 /run/data | tail -c +45057; } >/run/want
  check "$1: as written" cmp /run/want /run/back
  nullb_bad m 192 1
  check "$1: a write beside an unreadable piece" put /run/data $r 25
  same "$1: mode" "$(status r mode)" rw
  nullb_bad m 199 1
  nullb_bad m 200 1
  check "$1: a write that fails, beside an unreadable piece" put /run/data $r 25
  same "$1: remaps" "$(status r remaps)" 2
  same "$1: slots_bad" "$(status r slots_bad)" 0
  refuse "$1: the unreadable piece" get /run/back $r 24
  check "$1: its neighbour" get /run/back $r 25
  check "$1: as written" cmp -n 4096 /run/data /run/back
  check "$1: and the next" get /run/back $r 26
  check "$1: the piece is written" put /run/data $r 24
  check "$1: and read" get /run/back $r 24
  check "$1: remove" dmsetup remove r
  check "$1: create again" remap_create r /dev/m /dev/s
  same "$1: remaps" "$(status r remaps)" 2
  check "$1: read" get /run/back $r 24
  check "$1: as written" cmp -n 4096 /run/data /run/back
  check "$1: remove" dmsetup remove r
  rmdir /sys/kernel/config/nullb/m /sys/kernel/config/nullb/s
}
try "4Kn main" 4096 512
try "4Kn spare" 512 4096
try "4Kn both" 4096 4096
nullb m 32 4096
nullb s 16
refuse "blocks smaller than main's" remap_create x /dev/m /dev/s block_size 1
rmdir /sys/kernel/config/nullb/m /sys/kernel/config/nullb/s

scsi_debug_disks 1 dev_size_mb=32 sector_size=512 physblk_exp=3
nullb s 16
check "512e: create" remap_create r "$disks" /dev/s
same "512e: block_size" "$(status r block_size)" 8
check "512e: a sector" put_sector $r 9 0x5a
check "512e: read" is_sector $r 9 0x5a
check "512e: remap" dmsetup message r 0 remap 1
check "512e: read" is_sector $r 9 0x5a
check "512e: remove" dmsetup remove r

# pending blocks last, or are refused
nullb pm 32
nullb ps 2
check "pending: create" remap_create r /dev/pm /dev/ps
same "pending: as many as can be recorded" "$(dmsetup message r 0 pending add 0 1000)" "failed done=504 block=504 error=28"
refuse "pending: one more" dmsetup message r 0 pending add 600
same "pending: marked again" "$(dmsetup message r 0 pending add 0 10)" "ok done=10"
same "pending: marked" "$(status r pending)" 504
check "pending: remove" dmsetup remove r
check "pending: create again" remap_create r /dev/pm /dev/ps
same "pending: still" "$(status r pending)" 504
check "pending: cleared" dmsetup message r 0 pending clear 0 100
same "pending: room again" "$(dmsetup message r 0 pending add 1000 100)" "ok done=100"
check "pending: remove" dmsetup remove r
