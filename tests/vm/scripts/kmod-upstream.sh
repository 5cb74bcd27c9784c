#!/bin/sh
# What the public dm-remap does wrong when it is run, row by row of its report: here it has to go right.
# vm: memory=900 timeout=400
. /lib/vm.sh
load_remap
disks=""
r=/dev/mapper/r
nullb under 128 512 cache_size=1
nullb spare 32 512 cache_size=1
# sectors that can be neither read nor written, for good
main() {
  dmsetup create main --table "0 1000 linear /dev/under 0
1000 8 error
1008 2000 linear /dev/under 1008
3008 8 error
3016 $(($(sectors /dev/under) - 3016)) linear /dev/under 3016" && dmsetup mknodes main
}
check "main" main
create() { remap_create r /dev/mapper/main /dev/spare block_size 8; }
again() { dmsetup remove r && create; }
fill() { yes "$1" | head -c 4096 >/run/block; }
write() { fill "$2"; put /run/block $r "$1"; }
holds() { fill "$2"; get /run/back $r "$1" && cmp /run/block /run/back; }
check "create" create

check "b1: a write to a bad block succeeds" write 125 one
check "b1: and reads back" holds 125 one
check "b1: again" write 125 two
check "b2: the same block takes one slot" [ "$(status r slots_used)" = 1 ]
refuse "c1: a bad block that was never written" get /run/back $r 376
refuse "c1: and again" get /run/back $r 376
check "b3: the status tells of it" [ "$(status r remaps) $(status r pending) $(status r write_errors)" = "1 1 1" ]
[ "$(status r read_errors)" -ge 1 ] || fail "b3: read_errors"
check "b4, b7: durable at once" again
check "b4, b7: the same data" holds 125 two
check "b5: suspend" dmsetup suspend r
check "b5: resume" dmsetup resume r
check "b5: the same data" holds 125 two
check "b6: and suspend again" dmsetup suspend r
check "b6: remove" dmsetup remove r
check "b6: create" create
check "b6: the same data" holds 125 two
check "b10: another bad block" write 376 three
check "b10: and the first" write 125 four
check "b10: after a restart" again
check "b10: each has its own" holds 376 three
check "b10: each has its own" holds 125 four
slots=$(for s in 1000 3008; do dmsetup message r 0 query $s | sed 's/.*spare_sector=\([0-9]*\).*/\1/'; done | sort -n)
pages=$((($(status r slots) + 125) / 126 + 32))
for s in $slots; do [ "$s" -ge $((16 + pages * 16)) ] || fail "b8: slot at $s lies on the metadata"; done
check "b8, b9: slots are apart from each other and from the metadata" [ "$(echo "$slots" | uniq | wc -l)" = 2 ]
yes around | head -c 12288 >/run/around
check "b11: a write that covers a remapped block" dd if=/run/around of=$r bs=4096 count=3 seek=124 oflag=direct conv=notrunc
check "b11: reads back whole" dd if=$r of=/run/back bs=4096 count=3 skip=124 iflag=direct
check "b11: as written" cmp /run/around /run/back
same "b11: and no healthy block was taken for a bad one" "$(status r remaps)" 2
check "h1: 3000 remaps" dmsetup message r 0 remap 10000 3000
check "h1: restart" again
same "h1: all are there" "$(status r remaps)" 3002
check "remove" dmsetup remove r

# c2: an error that passes does not turn into other data
nullb cmain 32
nullb cspare 16
check "create" remap_create r /dev/cmain /dev/cspare block_size 8
check "c2: write" write 50 good
nullb_bad cmain 400 8
refuse "c2: read while it is bad" get /run/back $r 50
nullb_good cmain 400 8
check "c2: read when it is well" holds 50 good
same "c2: not pending any more" "$(status r pending)" 0
check "c2: restart" dmsetup remove r
check "c2: create" remap_create r /dev/cmain /dev/cspare block_size 8
check "c2: the same" holds 50 good

# b12: on a partition the block that failed is the block that is named
nullb_bad cmain 4000 8
refuse "b12: read" get /run/back $r 500
dmsetup message r 0 list pending | grep -q '^500 1 pending' || fail "b12: $(dmsetup message r 0 list pending)"
nullb_good cmain 4000 8
check "remove" dmsetup remove r

# b13: 64 bad blocks at once
nullb bmain 32
nullb bspare 16
nullb_bad bmain 8192 512
check "create" remap_create r /dev/bmain /dev/bspare block_size 8
check "b13: 64 bad blocks at once" fio --name=x --filename=$r --direct=1 --rw=write --bs=4k --size=256k --offset=4m \
  --ioengine=libaio --iodepth=64 --iodepth_batch_submit=64 --verify=crc32c --output=/run/fio.log
same "b13: 64 remaps" "$(status r remaps)" 64

# b14: the generation goes on after the module was loaded anew
gen=$(status r md_gen)
check "b14: remove" dmsetup remove r
check "b14: unload" rmmod dm_remap
load_remap
check "b14: create" remap_create r /dev/bmain /dev/bspare block_size 8
[ "$(status r md_gen)" -ge "$gen" ] || fail "b14: generation $(status r md_gen) after $gen"
check "b14: a change" dmsetup message r 0 remap 5
[ "$(status r md_gen)" -gt "$gen" ] || fail "b14: generation $(status r md_gen) after $gen"
same "remaps" "$(status r remaps)" 65

# d1, d2: status any number of times, then an error, then removal
for n in 0 1 2 3; do
  i=0
  while [ $i -lt $n ]; do dmsetup status r >/dev/null; i=$((i + 1)); done
  nullb_bad bmain $((20000 + n * 8)) 8
  check "d1: an error after $n calls of status" write $((2500 + n)) x
  same "d2: it is recorded at once" "$(status r remaps)" $((66 + n))
  check "d1: remove" timeout 20 dmsetup remove r
  check "d1: create" remap_create r /dev/bmain /dev/bspare block_size 8
done
check "remove" dmsetup remove r

# f1: flushes reach main and spare; the device has a write cache as they do
check "create" create
grep -q 'write back' "/sys/block/$(dmsetup info -c --noheadings -o blkdevname r)/queue/write_cache" || fail "f1: no write cache"
m=$(flushes under) s=$(flushes spare)
check "f1: fsync" dd if=/run/around of=$r bs=4096 count=1 conv=notrunc,fsync
[ "$(flushes under)" -gt "$m" ] || fail "f1: main was not flushed"
same "f1: the spare is flushed" "$(flushes spare)" $((s + 1))
check "remove" dmsetup remove r

# g1: discard
scsi_debug_disks 2 dev_size_mb=32 per_host_store=1 add_host=2 lbpu=1 lbpws=1
check "create" remap_create r "${disks% *}" "${disks#* }" block_size 8
[ "$(cat "/sys/block/$(dmsetup info -c --noheadings -o blkdevname r)/queue/discard_max_bytes")" -gt 0 ] || fail "g1: no discard"
check "g1: discard" blkdiscard -o 0 -l 1048576 $r
check "remove" dmsetup remove r
