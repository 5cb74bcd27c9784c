#!/bin/sh
# Flushes reach main and spare, FUA is kept on each piece, the order of a remap's writes is data, flush, metadata; and a
# spare that is gone fails a flush only while something written there may be missing.
# vm: memory=768 timeout=300
. /lib/vm.sh
load_remap
disks=""
need_modules dm-log-writes

nullb main 32 512 cache_size=1
nullb spare 16 512 cache_size=1
check "create" remap_create r /dev/main /dev/spare block_size 8
r=/dev/mapper/r
head -c 65536 /dev/urandom >/run/data
flushed() { # WHAT COMMAND…: main and spare are flushed exactly once by it
  what=$1; shift
  m=$(flushes main) s=$(flushes spare)
  "$@" || fail "$what"
  same "$what: flushes of main" $(($(flushes main) - m)) 1
  same "$what: flushes of the spare" $(($(flushes spare) - s)) 1
}
flushed "fsync without a remap" dd if=/run/data of=$r bs=4096 count=1 conv=notrunc,fsync
check "remap" dmsetup message r 0 remap 0 4
flushed "fsync" dd if=/run/data of=$r bs=4096 count=4 conv=notrunc,fsync
m=$(flushes main) s=$(flushes spare)
put /run/data $r 0 8
same "direct writes flush nothing" "$(flushes main) $(flushes spare)" "$m $s"
check "remove" dmsetup remove r

# what is sent to each device, in order: sector, length, flags (1 flush, 2 FUA)
nullb under 32
nullb below 16
nullb mlog 16
nullb slog 16
log_on() { dmsetup create "$1" --table "0 $(sectors "/dev/$2") log-writes /dev/$2 /dev/$3" && dmsetup mknodes "$1"; }
check "log" log_on lmain under mlog
check "log" log_on lspare below slog
check "create" remap_create r /dev/mapper/lmain /dev/mapper/lspare block_size 8
check "remap" dmsetup message r 0 remap 10 1
slot=$(dmsetup message r 0 query 80 | sed 's/.*spare_sector=\([0-9]*\).*/\1/')
dmsetup message lspare 0 mark start
dmsetup message lmain 0 mark start
# one FUA write over a clean, a remapped and a clean block
check "a FUA write" fio --name=x --filename=$r --direct=1 --sync=dsync --ioengine=pvsync2 --rw=write --bs=12k --size=12k --offset=36864 --output=/run/fio.log
dmsetup message lspare 0 mark end
dmsetup message lmain 0 mark end
check "remap" dmsetup message r 0 remap 20 1
next=$(dmsetup message r 0 query 160 | sed 's/.*spare_sector=\([0-9]*\).*/\1/')
check "remove" dmsetup remove r
check "end of log" dmsetup remove lmain
check "end of log" dmsetup remove lspare
u64() { od -An -v -tu8 -j "$2" -N 8 "$1" | tr -d ' '; }
entries() { # LOG: lines "sector length flags [mark]"
  dd if="$1" of=/run/entry bs=512 count=1 2>/dev/null
  left=$(u64 /run/entry 16) at=1
  while [ "$left" -gt 0 ]; do
    dd if="$1" of=/run/entry bs=512 skip="$at" count=1 2>/dev/null
    n=$(u64 /run/entry 8) flags=$(u64 /run/entry 16) bytes=$(u64 /run/entry 24)
    mark=""
    [ $((flags & 8)) = 0 ] || mark=$(tail -c +33 /run/entry | head -c "$bytes" | tr -d '\0')
    echo "$(u64 /run/entry 0) $n $((flags & 3)) $mark"
    [ $((flags & 4)) = 0 ] && at=$((at + 1 + n)) || at=$((at + 1))
    left=$((left - 1))
  done
}
entries /dev/slog >/run/slog
entries /dev/mlog >/run/mlog
between() { sed -n '/ start$/,/ end$/p' "$1" | grep -vE ' (start|end)$'; }
between /run/mlog | grep -v ' 0 [0-9] $' >/run/got
same "main: the clean pieces, each with FUA" "$(awk '{ print $1, $2, $3 }' /run/got | sort -n | tr '\n' ';')" "72 8 2;88 8 2;"
between /run/slog | grep -v ' 0 [0-9] $' >/run/got
same "spare: the remapped piece, with FUA" "$(awk '{ print $1, $2, $3 }' /run/got)" "$slot 8 2"
sed '1,/ end$/d' /run/slog | awk '{ print $1, $2, $3 }' >/run/got
same "a remap writes its slot first" "$(sed -n 1p /run/got)" "$next 8 2"
same "then a flush" "$(sed -n 2p /run/got | awk '{ print $2, $3 % 2 }')" "0 1"
same "then metadata" "$(sed -n 3p /run/got | cut -d' ' -f2-)" "8 2"
same "then the other mirror" "$(sed -n 4p /run/got | cut -d' ' -f2-)" "8 2"
for n in mlog slog under below; do rmdir /sys/kernel/config/nullb/$n; done

# a spare that goes: main can be flushed as long as nothing is missing
scsi_debug_disks 1 dev_size_mb=16
disk=${disks##*/}
nullb main2 32
check "create" remap_create g /dev/main2 "$disks" block_size 8
g=/dev/mapper/g
check "remap" dmsetup message g 0 remap 10 2
check "write and flush" dd if=/run/data of=$g bs=4096 seek=10 count=2 oflag=direct conv=notrunc,fsync
echo offline >"/sys/block/$disk/device/state"
check "flush: nobody has noticed yet that the spare is gone" dd if=/run/data of=$g bs=4096 seek=50 count=1 conv=notrunc,fsync
same "mode" "$(status g mode)" no_spare
check "flush again" dd if=/run/data of=$g bs=4096 seek=51 count=1 conv=notrunc,fsync
echo running >"/sys/block/$disk/device/state"
check "recover" dmsetup message g 0 recover
check "write to a slot, not flushed" put /run/data $g 10
echo offline >"/sys/block/$disk/device/state"
refuse "flush" dd if=/run/data of=$g bs=4096 seek=52 count=1 conv=notrunc,fsync
same "mode" "$(status g mode)" no_spare
refuse "flush again: it is still not known to be there" dd if=/run/data of=$g bs=4096 seek=53 count=1 conv=notrunc,fsync
echo running >"/sys/block/$disk/device/state"
refuse "the spare may have lost it meanwhile" dd if=/run/data of=$g bs=4096 seek=53 count=1 conv=notrunc,fsync
check "recover" dmsetup message g 0 recover
check "flush: it has been told" dd if=/run/data of=$g bs=4096 seek=53 count=1 conv=notrunc,fsync

# it goes and comes back between a write and its flush; under the same table, and under another
for how in recover reload; do
  check "write to a slot, not flushed" put /run/data $g 10
  echo offline >"/sys/block/$disk/device/state"
  refuse "read" get /run/back $g 11
  same "mode" "$(status g mode)" no_spare
  echo running >"/sys/block/$disk/device/state"
  if [ $how = recover ]; then
    check "recover" dmsetup message g 0 recover
  else
    check "load" dmsetup load g --table "$(dmsetup table g)"
    check "resume" dmsetup suspend --noflush --nolockfs g
    check "resume" dmsetup resume g
  fi
  same "mode" "$(status g mode)" rw
  refuse "flush after $how: the spare may have lost it" dd if=/run/data of=$g bs=4096 seek=54 count=1 conv=notrunc,fsync
  check "flush: it has been told" dd if=/run/data of=$g bs=4096 seek=54 count=1 conv=notrunc,fsync
done
check "remove" dmsetup remove g
