#!/bin/sh
# The power goes while blocks are being remapped: what was acknowledged with a flush is there afterwards, a torn or
# damaged copy of the metadata is survived.
# vm: disk=vd0:32M disk=vd1:16M disk=vd2:16M memory=512 timeout=180 powercut=first,second
. /lib/vm.sh
load_remap
need_modules virtio_blk

# main: vda with unwritable, unreadable blocks 100 to 119 and 300 to 319
bad_main() {
  dmsetup create main --table "0 800 linear /dev/vda 0
800 160 error
960 1440 linear /dev/vda 960
2400 160 error
2560 62976 linear /dev/vda 2560"
  dmsetup mknodes main
}
r=/dev/mapper/r

case $VM_PHASE in
1)
  bad_main
  pattern /run/data 20 one
  check "create" remap_create r /dev/mapper/main /dev/vdb block_size 8
  check "write to bad blocks" dd if=/run/data of=$r bs=4096 seek=100 count=20 oflag=direct conv=notrunc,fsync
  same "remaps" "$(status r remaps)" 20
  check "write around them" dd if=/run/data of=$r bs=4096 seek=120 count=20 oflag=direct conv=notrunc,fsync
  check "keep what is expected" dd if=/run/data of=/dev/vdc bs=4096 count=20 oflag=direct conv=notrunc,fsync
  # more of it, not flushed and not waited for, as the power goes
  dd if=/run/data of=$r bs=4096 seek=300 count=20 oflag=direct conv=notrunc 2>/dev/null &
  marker first
  ;;
2)
  bad_main
  check "create" remap_create r /dev/mapper/main /dev/vdb block_size 8
  [ "$(status r remaps)" -ge 20 ] || fail "remaps $(status r remaps)"
  get /run/want /dev/vdc 0 20
  check "read" get /run/back $r 100 20
  check "as acknowledged" cmp /run/want /run/back
  check "read" get /run/back $r 120 20
  check "as acknowledged" cmp /run/want /run/back
  # what was under way: each block whole, or an error; never anything else
  b=0
  while [ $b -lt 20 ]; do
    if get /run/back $r $((300 + b)); then
      dd if=/run/want of=/run/one bs=4096 skip=$b count=1 2>/dev/null
      cmp /run/one /run/back || fail "block $((300 + b)) is neither old nor new"
    fi
    b=$((b + 1))
  done
  pass "what was under way is old or new"
  pattern /run/data 20 two
  check "write again" dd if=/run/data of=$r bs=4096 seek=100 count=20 oflag=direct conv=notrunc,fsync
  check "remap more" dmsetup message r 0 remap 1000 100
  check "keep what is expected" dd if=/run/data of=/dev/vdc bs=4096 count=20 oflag=direct conv=notrunc,fsync
  # tear the first mirror: half of each copy of its first two pages
  for p in 2 3 4 5; do
    dd if=/dev/urandom of=/dev/vdb bs=512 seek=$((p * 8 + p)) count=3 conv=notrunc,fsync 2>/dev/null
  done
  marker second
  ;;
3)
  bad_main
  check "create with a torn mirror" remap_create r /dev/mapper/main /dev/vdb block_size 8
  dmesg | grep -q 'metadata pages of spare 0 repaired' || fail "nothing was repaired"
  [ "$(status r remaps)" -ge 120 ] || fail "remaps $(status r remaps)"
  get /run/want /dev/vdc 0 20
  check "read" get /run/back $r 100 20
  check "as acknowledged" cmp /run/want /run/back
  check "remove" dmsetup remove r
  check "create once more" remap_create r /dev/mapper/main /dev/vdb block_size 8
  check "read" get /run/back $r 100 20
  check "as acknowledged" cmp /run/want /run/back
  check "remove" dmsetup remove r
  ;;
esac
