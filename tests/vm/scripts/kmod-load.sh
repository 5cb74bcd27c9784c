#!/bin/sh
# What a spare may look like when it is loaded: mirrors and superblocks that cannot be written, features of newer
# versions, a format that was interrupted, spares that lie on one another.
# vm: memory=768 timeout=300
. /lib/vm.sh
load_remap
need_modules dm-flakey
nullb main 32
nullb spare 16
S=$(sectors /dev/spare)
M=$(sectors /dev/main)
r=/dev/mapper/r
head -c 65536 /dev/urandom >/run/data
create() { remap_create r /dev/main /dev/spare block_size 8; }
reads() { get /run/back $r 0 8 && cmp -n 32768 /run/data /run/back; }
check "create" create
check "write" put /run/data $r 0 8
check "remap" dmsetup message r 0 remap 0 4
pages=$((($(status r slots) + 125) / 126 + 16))
check "remove" dmsetup remove r

# a page of one mirror can be neither read nor written: the others do
nullb_bad spare 16 8
check "create with a bad mirror" create
same "mode" "$(status r mode)" rw
same "md_copies_ok" "$(status r md_copies_ok)" 1
[ "$(status r events)" -ge 1 ] || fail "no event"
check "read" reads
check "remap" dmsetup message r 0 remap 100
check "remove" dmsetup remove r
check "create again" create
same "remaps" "$(status r remaps)" 5
check "remove" dmsetup remove r
nullb_good spare 16 8
check "create when it is well" create
same "the mirror is rebuilt" "$(status r md_copies_ok)" 2
dmesg | grep -q 'metadata pages of spare 0 repaired' || fail "no word about it"
[ "$(status r events)" -ge 1 ] || fail "no event"
check "remove" dmsetup remove r
# now the second mirror alone must do
dd if=/dev/urandom of=/dev/spare bs=4096 seek=$((S / 8 - 2 - pages * 2)) count=$((pages * 2)) conv=notrunc,fsync 2>/dev/null
check "create from the rebuilt mirror" create
same "remaps" "$(status r remaps)" 5
check "remove" dmsetup remove r

# each mirror has a page that cannot be written: what is there is served, nothing is added
nullb_bad spare 16 8
nullb_bad spare $((S - 16 - pages * 16 + 16)) 8
check "create" create
same "mode" "$(status r mode)" ro_md
same "remaps" "$(status r remaps)" 5
check "read" reads
refuse "remap" dmsetup message r 0 remap 200
check "remove" dmsetup remove r
nullb_good spare 0 "$S"

# the same with no superblock that can be written
dmsetup create ro --table "0 16 flakey /dev/spare 0 0 1 1 error_writes
16 $((S - 32)) linear /dev/spare 16
$((S - 16)) 16 flakey /dev/spare $((S - 16)) 0 1 1 error_writes" || fail "flakey"
dmsetup mknodes ro
check "create" remap_create r /dev/main /dev/mapper/ro block_size 8
same "mode" "$(status r mode)" ro_md
check "read" reads
check "remove" dmsetup remove r
check "remove" dmsetup remove ro

# features: compatible ones are kept, read-only ones let nothing be written, incompatible ones are refused
super_set /dev/spare 16 64
check "an unknown compatible feature" create
check "remap" dmsetup message r 0 remap 201
check "remove" dmsetup remove r
dd if=/dev/spare bs=512 count=1 2>/dev/null | od -An -tu4 -j16 -N4 | grep -q ' 64$' || fail "the feature is lost"
super_set /dev/spare 20 1
sum=$(md5sum </dev/spare)
check "an unknown read-only feature" create
same "mode" "$(status r mode)" ro_md
check "read" reads
refuse "write to a remapped block" put /run/data $r 0
refuse "write to a clean block" put /run/data $r 1000
refuse "remap" dmsetup message r 0 remap 300
refuse "recover" dmsetup message r 0 recover
refuse "maintenance" dmsetup message r 0 maintenance on
check "remove" dmsetup remove r
same "nothing was written" "$(md5sum </dev/spare)" "$sum"
super_set /dev/spare 24 1
dmesg -c >/dev/null
refuse "an unknown incompatible feature" create
dmesg | grep -q 'newer, incompatible format' || fail "the log does not say so"

super_set /dev/spare 24 0
super_set /dev/spare 20 0

# a table that is read-only
check "create read-only" dmsetup create r --readonly --table "0 $M remap 1 /dev/main 0 1 /dev/spare 0 $S 2 block_size 8"
sum=$(md5sum </dev/spare)
same "mode" "$(status r mode)" ro_md
check "read" reads
refuse "remap" dmsetup message r 0 remap 300
check "remove" dmsetup remove r
same "nothing was written" "$(md5sum </dev/spare)" "$sum"
nullb blank 16
refuse "a blank spare, read-only" dmsetup create x --readonly --table "0 $M remap 1 /dev/main 0 1 /dev/blank 0 $S 0"
dmsetup remove x 2>/dev/null
cmp -n 16777216 /dev/blank /dev/zero || fail "it was written"

# two spares at the two ends of one device
dd if=/dev/spare of=/run/head bs=4096 count=2 2>/dev/null
nullb other 16
check "another spare" remap_create r /dev/main /dev/other block_size 8
check "remove" dmsetup remove r
dd if=/run/head of=/dev/other bs=4096 count=2 conv=notrunc,fsync 2>/dev/null
dmesg -c >/dev/null
refuse "ends of different spares" remap_create r /dev/main /dev/other block_size 8
dmesg | grep -q 'belong to different spares' || fail "the log does not say so"

# a spare on top of another
dmesg -c >/dev/null
refuse "spares that overlap" dmsetup create r --table "0 $M remap 1 /dev/main 0 2 /dev/blank 0 16384 /dev/blank 8192 16384 0"
dmesg | grep -q 'overlap' || fail "the log does not say so"
check "create" create
nullb main2 32
refuse "a blank place among the slots of another" dmsetup create y --table "0 $M remap 1 /dev/main2 0 1 /dev/spare $((S / 2)) 8192 0"
dmsetup remove y 2>/dev/null
check "read" reads
check "remove" dmsetup remove r

# the power went while a spare was formatted: superblocks said so, main had its signature already
nullb smain 32
nullb sspare 16
signed() { dmsetup create s --table "0 $((M - 2048)) remap 1 /dev/smain 2048 1 /dev/sspare 0 $S 0"; }
check "create" signed
check "remove" dmsetup remove s
super_set /dev/sspare 28 2
check "what was being formatted is formatted again" signed
same "mode" "$(status s mode)" rw
check "remove" dmsetup remove s
check "and is loaded then" signed
check "remove" dmsetup remove s

# main's first sector goes bad: the signature's copy counts, and without one main is not known
nullb_bad smain 0
dmesg -c >/dev/null
check "the start of main cannot be read" signed
dmesg | grep -q 'the copy of its signature counts' || fail "the log does not say so"
check "remove" dmsetup remove s
nullb_bad smain 2040
dmesg -c >/dev/null
refuse "nor can the copy" signed
dmesg | grep -q 'Cannot read the signature' || fail "the log does not say so"
dmsetup remove s 2>/dev/null
nullb_good smain 2040
dd if=/dev/zero of=/dev/smain bs=512 seek=2040 count=8 conv=notrunc,fsync 2>/dev/null
refuse "there is no copy" signed
dmsetup remove s 2>/dev/null
nullb_good smain 0
check "the start can be read again" signed
check "remove" dmsetup remove s
