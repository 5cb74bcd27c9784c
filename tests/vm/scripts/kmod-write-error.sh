#!/bin/sh
# Writes to bad sectors succeed, read back, and are still there after the device was removed and made again.
# vm: memory=768 timeout=240
. /lib/vm.sh
load_remap
nullb main 64
nullb spare 16
nullb_bad main 800 8       # block 100
nullb_bad main 1603 1      # one sector of block 200
nullb_bad main 8000 256    # blocks 1000 to 1031
check "a target on a blank spare" remap_create r /dev/main /dev/spare block_size 8
r=/dev/mapper/r
same "mode" "$(status r mode)" rw

head -c 16777216 /dev/urandom >/run/data
check "write everything at once" dd if=/run/data of=$r bs=1M oflag=direct conv=notrunc,fsync
check "read it" dd if=$r of=/run/back bs=1M count=16 iflag=direct
check "it is what was written" cmp /run/data /run/back
same "remaps" "$(status r remaps)" 34
same "auto_remaps" "$(status r auto_remaps)" 34
same "slots_used" "$(status r slots_used)" 34
same "pending" "$(status r pending)" 0
[ "$(status r write_errors)" -ge 34 ] || fail "write_errors $(status r write_errors)"
[ "$(status r events)" -ge 1 ] || fail "no event"
[ "$(status r md_copies_ok)" -eq 2 ] || fail "md_copies_ok"

# the same again, over the mapping, in small and large pieces
head -c 16777216 /dev/urandom >/run/data
check "write again, 64 KiB" dd if=/run/data of=$r bs=64k oflag=direct conv=notrunc,fsync
check "read again, 4 KiB" dd if=$r of=/run/back bs=4k count=4096 iflag=direct
check "it is what was written" cmp /run/data /run/back
same "no new remaps" "$(status r remaps)" 34
[ "$(status r remapped_writes)" -gt 34 ] || fail "remapped_writes"
[ "$(status r remapped_reads)" -gt 0 ] || fail "remapped_reads"
same "list" "$(dmsetup message r 0 list remaps | awk '{ n += $2 } END { print n }')" 34
dmsetup message r 0 query 800 | grep -q '^800 remapped ' || fail "query 800"
dmsetup message r 0 query 0 | grep -q '^0 clean ' || fail "query 0"

check "remove" dmsetup remove r
check "make it again" remap_create r /dev/main /dev/spare block_size 8
same "remaps" "$(status r remaps)" 34
echo 3 >/proc/sys/vm/drop_caches
check "read after that" dd if=$r of=/run/back bs=1M count=16 iflag=direct
check "it is what was written" cmp /run/data /run/back

# a part of a block: what could be read of the rest stays, what could not stays unreadable
check "write block 300" put /run/data $r 300
nullb_bad main 2404 1      # one sector of it
check "write one good sector of a bad block" put_sector $r 2401 0xa1
same "no remap: that sector is good" "$(status r remaps)" 34
nullb_bad main 2400 1
check "write one bad sector" put_sector $r 2400 0xa2
same "remaps" "$(status r remaps)" 35
check "it reads back" is_sector $r 2400 0xa2
check "its neighbour came along" is_sector $r 2401 0xa1
refuse "read of the sector that was unreadable" dd if=$r of=/run/back bs=4096 skip=300 count=1 iflag=direct
same "and only of that" "$(dmsetup message r 0 query 2400 | sed 's/.*valid=\([0-9a-fx]*\).*/\1/')" 0xef
check "write it" put_sector $r 2404 0xa3
check "read it" is_sector $r 2404 0xa3
check "the first is unharmed" is_sector $r 2400 0xa2

# a spare whose slots go bad: the next one is taken
slot=$(dmsetup message r 0 query 800 | sed 's/.* slot=\([0-9]*\).*/\1/')
at=$(dmsetup message r 0 query 800 | sed 's/.*spare_sector=\([0-9]*\).*/\1/')
nullb_bad spare "$at" 8
check "write over a bad slot" dd if=/run/data of=$r bs=4096 skip=50 seek=100 count=1 oflag=direct conv=notrunc
check "read it" get /run/back $r 100
dd if=/run/data of=/run/want bs=4096 skip=50 count=1 2>/run/dd.log
check "as written" cmp /run/want /run/back
same "slots_bad" "$(status r slots_bad)" 1
dmsetup message r 0 list bad_slots | grep -q "^$slot 1 bad $slot " || fail "list bad_slots"

# all slots used: the caller gets the error, and what is mapped is served
check "remove" dmsetup remove r
nullb small 1
nullb main2 64
check "a tiny spare" remap_create r /dev/main2 /dev/small block_size 64
slots=$(status r slots)
[ "$slots" -gt 0 ] && [ "$slots" -lt 100 ] || fail "slots $slots"
i=0
while [ $i -lt "$slots" ]; do
  nullb_bad main2 $((i * 64)) 1
  i=$((i + 1))
done
check "use all slots" dd if=/run/data of=$r bs=32k count="$slots" oflag=direct conv=notrunc
same "slots_used" "$(status r slots_used)" "$slots"
nullb_bad main2 65536 1
refuse "a write with no slot left" dd if=/run/data of=$r bs=32k count=1 seek=1024 oflag=direct conv=notrunc
same "still rw" "$(status r mode)" rw
check "read all" dd if=$r of=/run/back bs=32k count="$slots" iflag=direct
head -c $((slots * 32768)) /run/data >/run/want
check "as written" cmp /run/want /run/back
check "remove" dmsetup remove r
