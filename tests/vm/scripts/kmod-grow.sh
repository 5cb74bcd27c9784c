#!/bin/sh
# A spare grows by a reload with a larger length, under load: nothing moves, nothing is lost, and what was interrupted
# on the way does not count.
# vm: memory=768 timeout=300
. /lib/vm.sh
load_remap
nullb main 64
nullb spare 16
nullb spare2 8
M=$(sectors /dev/main)
r=/dev/mapper/r
table() { echo "0 $M remap 1 /dev/main 0 2 /dev/spare 64 $1 /dev/spare2 0 $2 2 block_size 8"; }
create() { dmsetup create r --table "$(table "$1" "$2")" && dmsetup mknodes r; }
reload() { dmsetup load r --table "$(table "$1" "$2")" && dmsetup resume r; }
log_says() { dmesg | grep -q "$1" || fail "the log does not say '$1'"; }
head -c 4194304 /dev/urandom >/run/data
reads() { dd if=$r of=/run/back bs=1M count=4 iflag=direct 2>/run/dd.log && cmp /run/data /run/back; }
check "create" create 8192 16384
check "write" dd if=/run/data of=$r bs=1M count=4 oflag=direct conv=notrunc
check "remap" dmsetup message r 0 remap 0 600
slots=$(status r slots)

fio --name=load --filename=$r --rw=randrw --bs=4k --size=8m --offset=32m --direct=1 --ioengine=libaio --iodepth=8 \
  --verify=crc32c --verify_backlog=64 --verify_fatal=1 --time_based --runtime=8 --output=/run/fio.log &
load=$!
check "grow under load" reload 16380 16384
[ "$(status r slots)" -gt $((slots + 800)) ] || fail "slots $(status r slots), were $slots"
same "remaps" "$(status r remaps)" 600
check "remap during that" dmsetup message r 0 remap 8192 400
wait $load || { cat /run/fio.log; fail "verification"; }
check "read" reads
check "grow again" reload 24576 16384
same "areas" "$(dmsetup message r 0 list spares | cut -d' ' -f1-3)" "0 3 spare
1 1 spare"
slots=$(status r slots)
check "use all slots" dmsetup message r 0 remap 9000 $((slots - 1000))
same "slots_used" "$(status r slots_used)" "$slots"
check "read" reads
check "write" dd if=/run/data of=$r bs=1M count=4 oflag=direct conv=notrunc,fsync
line=$(dmsetup table r)
check "remove" dmsetup remove r
check "create" create 24576 16384
same "the same line" "$(dmsetup table r)" "$line"
same "remaps" "$(status r remaps)" "$slots"
check "read" reads
check "unmap what is in the last area" dmsetup message r 0 unmap 9000 $((slots - 1000))
check "read" reads
check "remove" dmsetup remove r

dmesg -c >/dev/null
refuse "a shorter table" create 8192 16384
log_says "makes the spare shorter than it is"
refuse "a shorter table" create 16384 16384
refuse "a read-only table with more" dmsetup create r --readonly --table "$(table 32000 16384)"
dmsetup remove r 2>/dev/null

# the start gone: found by the last area's end; an area's start gone: by its own end
dd if=/dev/zero of=/dev/spare bs=512 seek=64 count=16 conv=notrunc,fsync 2>/dev/null
dd if=/dev/zero of=/dev/spare bs=512 seek=$((64 + 8192)) count=16 conv=notrunc,fsync 2>/dev/null
check "create" create 24576 16384
check "read" reads
same "remaps" "$(status r remaps)" 1000
check "remove" dmsetup remove r

# a part that is not blank is not taken, and the old table goes on
dd if=/dev/urandom of=/dev/spare bs=512 seek=$((64 + 24576)) count=8 conv=notrunc,fsync 2>/dev/null
sum=$(dd if=/dev/spare bs=512 skip=$((64 + 24576)) 2>/dev/null | md5sum)
dmesg -c >/dev/null
refuse "a part that is not blank" create 32000 16384
log_says "not blank"
same "it is untouched" "$(dd if=/dev/spare bs=512 skip=$((64 + 24576)) 2>/dev/null | md5sum)" "$sum"
check "create" create 24576 16384
check "read" reads

# a part that cannot be written: the reload fails, the old table loads
dd if=/dev/zero of=/dev/spare bs=512 seek=$((64 + 24576)) count=8 conv=notrunc,fsync 2>/dev/null
nullb_bad spare $((64 + 24576 + 16)) 8
refuse "grow where it cannot be written" reload 32000 16384
nullb_good spare $((64 + 24576 + 16)) 8
check "remove" dmsetup remove r
check "create" create 24576 16384
same "remaps" "$(status r remaps)" 1000
check "read" reads
check "remap" dmsetup message r 0 remap 9000 10
check "grow" reload 32000 16384
check "read" reads
same "remaps" "$(status r remaps)" 1010

# more slots than one spare has, on a set of two that grows by a third
nullb spare3 8
check "add a spare" sh -c "dmsetup load r --table '0 $M remap 1 /dev/main 0 3 /dev/spare 64 32000 /dev/spare2 0 16384 /dev/spare3 8 16000 2 block_size 8' && dmsetup resume r"
slots=$(status r slots)
check "use all slots" dmsetup message r 0 remap 9010 $((slots - 1010))
check "read" reads
check "remove" dmsetup remove r
dmesg -c >/dev/null
refuse "without the third" create 32000 16384
log_says "A spare of the set is missing"
check "with it" sh -c "dmsetup create r --table '0 $M remap 1 /dev/main 0 3 /dev/spare 64 32000 /dev/spare2 0 16384 /dev/spare3 8 16000 2 block_size 8'"
same "remaps" "$(status r remaps)" "$slots"
check "read" reads
check "remove" dmsetup remove r

# a set of as many areas as it can have takes no more, and a table with one more spare is refused before it is looked for
nullb long 40
long() { echo "0 $M remap 1 /dev/main 0 1 /dev/long 0 $1 2 block_size 8"; }
check "create" dmsetup create s --table "$(long 4096)"
areas=1
while [ $areas -lt 16 ]; do
  areas=$((areas + 1))
  dmsetup load s --table "$(long $((areas * 4096)))" && dmsetup resume s || fail "area $areas"
done
same "areas" "$(dmsetup message s 0 list spares | cut -d' ' -f1-3)" "0 16 spare"
dmesg -c >/dev/null
refuse "one more" dmsetup load s --table "$(long $((17 * 4096)))"
log_says "as many areas as it can have"
check "remove" dmsetup remove s
nullb late 8
dmesg -c >/dev/null
refuse "one more spare" dmsetup create s --table "0 $M remap 1 /dev/main 0 2 /dev/long 0 65536 /dev/late 0 16384 2 block_size 8"
log_says "no room for all spares"
check "create" dmsetup create s --table "$(long 65536)"
same "areas" "$(dmsetup message s 0 list spares | cut -d' ' -f1-3)" "0 16 spare"
check "remove" dmsetup remove s
