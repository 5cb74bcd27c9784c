#!/bin/sh
# Every block size, number of mirrors and of spares: what is written over bad sectors is there after re-activation.
# vm: memory=900 timeout=300
. /lib/vm.sh
load_remap
round() {
  bs=$1 copies=$2 alloc=$3 offset=$4 spares=$5
  name="block_size $bs copies $copies alloc $alloc data_offset $offset spares $spares"
  nullb m 16
  nullb s1 8
  nullb s2 8
  for i in 0 1 2 3 4 5 6 7; do nullb_bad m $((offset + 1000 + i * 517)) 2; done
  list="1 /dev/s1 0 16384"
  [ "$spares" = 1 ] || list="2 /dev/s1 8 8192 /dev/s2 64 16000"
  # not a whole number of blocks
  line="0 $((32768 - offset - 1)) remap 1 /dev/m $offset $list 6 block_size $bs copies $copies alloc $alloc"
  dmsetup create g --table "$line" || fail "create: $name"
  dmsetup mknodes g
  same "$name: mirrors" "$(status g md_copies_ok)" "$copies"
  head -c 8388608 /dev/urandom >/run/data
  dd if=/run/data of=/dev/mapper/g bs=1M oflag=direct conv=notrunc 2>/run/dd.log || fail "write: $name"
  remaps=$(status g remaps)
  [ "$remaps" -ge 8 ] || fail "remaps $remaps: $name"
  last=$(((32768 - offset - 1 - 1) / bs))
  dmsetup message g 0 remap $((last - 3)) 4 >/run/reply || fail "the last, short block: $name"
  dmsetup remove g || fail "remove: $name"
  dmsetup create g --table "$line" || fail "create again: $name"
  dmsetup mknodes g
  same "$name: remaps" "$(status g remaps)" $((remaps + 4))
  dd if=/dev/mapper/g of=/run/back bs=1M count=8 iflag=direct 2>/run/dd.log || fail "read: $name"
  check "$name: as written" cmp /run/data /run/back
  dmsetup message g 0 unmap $((last - 3)) 4 >/run/reply || fail "unmap: $name"
  dmsetup remove g || fail "remove: $name"
  for n in m s1 s2; do rmdir /sys/kernel/config/nullb/$n; done
}
round 1 2 wear 0 1
round 8 3 near 2048 1
round 16 5 first 0 1
round 64 2 near 2048 2
round 8 5 wear 8 2
