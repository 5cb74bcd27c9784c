#!/bin/sh
# A spare is replaced while it is in use: another is added, the old one evacuated and left out; under load, and with the
# power cut in the middle of it.
# vm: disk=vd0:32M disk=vd1:8M disk=vd2:8M disk=vd3:16M memory=768 timeout=400 powercut=evacuating,evacuated
. /lib/vm.sh
load_remap
need_modules virtio_blk
r=/dev/mapper/r
M=65536
spares() {
  list=""
  for spare in "$@"; do list="$list /dev/$spare 0 16384"; done
  echo "0 $M remap 1 /dev/vda 0 $#$list 2 block_size 8"
}
create() { dmsetup create r --table "$(spares "$@")" && dmsetup mknodes r; }
reload() { dmsetup load r --table "$(spares "$@")" && dmsetup resume r; }
log_says() { dmesg | grep -q "$1" || fail "the log does not say '$1'"; }
expected() { dd if=/dev/vdd of=/run/want bs=1M count=4 iflag=direct 2>/run/dd.log; }
reads() { dd if=$r of=/run/back bs=1M count=4 iflag=direct 2>/run/dd.log && cmp /run/want /run/back; }

case $VM_PHASE in
1)
  check "create" create vdb
  head -c 4194304 /dev/urandom >/run/want
  check "write" dd if=/run/want of=$r bs=1M oflag=direct conv=notrunc
  check "remap" dmsetup message r 0 remap 0 1000
  # what is on main is not what was written since
  head -c 4194304 /dev/urandom >/run/want
  check "write" dd if=/run/want of=$r bs=1M oflag=direct conv=notrunc,fsync
  check "keep what is expected" dd if=/run/want of=/dev/vdd bs=1M oflag=direct conv=notrunc,fsync
  check "pending" dmsetup message r 0 pending add 5000 3
  refuse "evacuate the only spare" dmsetup message r 0 evacuate 0
  check "add a spare" reload vdb vdc
  dmsetup message r 0 evacuate 0 >/dev/null 2>&1 &
  wait_until 20 sh -c 'dmsetup message r 0 list spares | grep -q "^1 1 spare .*used=[1-9]"' || fail "nothing was moved"
  marker evacuating
  ;;
2)
  expected
  refuse "the new spare alone" create vdc
  log_says "A spare of the set is missing"
  check "create" create vdb vdc
  check "read" reads
  same "remaps" "$(status r remaps)" 1000
  fio --name=load --filename=$r --rw=randrw --bs=4k --size=2m --offset=4m --direct=1 --ioengine=libaio --iodepth=8 \
    --verify=crc32c --verify_backlog=64 --verify_fatal=1 --time_based --runtime=10 --output=/run/fio.log &
  load=$!
  check "remap under load" dmsetup message r 0 remap 1024 300
  refuse "not a spare" dmsetup message r 0 evacuate 2
  refuse "not a word" dmsetup message r 0 evacuate 0 perhaps
  same "evacuate under load" "$(dmsetup message r 0 evacuate 0 | cut -d= -f1)" "ok moved"
  dmsetup message r 0 list spares | grep -q '^0 1 retired .*used=0 bad=0' || fail "$(dmsetup message r 0 list spares)"
  dmsetup message r 0 list spares | grep -q '^1 1 spare .*used=1300' || fail "$(dmsetup message r 0 list spares)"
  same "once more" "$(dmsetup message r 0 evacuate 0)" "ok moved=0"
  check "remap" dmsetup message r 0 remap 1400 10
  dmsetup message r 0 list spares | grep -q '^0 1 retired .*used=0' || fail "a retired spare was used"
  wait $load || { cat /run/fio.log; fail "verification"; }
  check "read" reads
  check "flush" dd if=/run/want of=$r bs=1M count=1 oflag=direct conv=notrunc,fsync
  marker evacuated
  ;;
3)
  expected
  refuse "the old spare alone" create vdb
  log_says "A spare of the set is missing"
  check "with the retired one" create vdb vdc
  dmsetup message r 0 list spares | grep -q '^0 1 retired' || fail "it is not retired any more"
  check "read" reads
  # the spare is left out under load; what the old one holds does not matter any more
  fio --name=load --filename=$r --rw=randrw --bs=4k --size=2m --offset=4m --direct=1 --ioengine=libaio --iodepth=8 \
    --verify=crc32c --verify_backlog=64 --verify_fatal=1 --time_based --runtime=5 --output=/run/fio.log &
  load=$!
  check "leave it out" reload vdc
  wait $load || { cat /run/fio.log; fail "verification"; }
  dd if=/dev/urandom of=/dev/vdb bs=1M count=8 oflag=direct conv=notrunc 2>/dev/null
  check "read" reads
  same "remaps" "$(status r remaps)" 1310
  same "pending" "$(dmsetup message r 0 list pending | awk '{ n += $2 } END { print n }')" 3
  check "remove" dmsetup remove r
  refuse "a spare that is none" create vdb vdc
  check "create" create vdc
  check "read" reads
  same "pending" "$(status r pending)" 3

  # and back, with what cannot be read on the way
  dd if=/dev/zero of=/dev/vdb bs=1M count=8 oflag=direct conv=notrunc 2>/dev/null
  check "a spare that was wiped" reload vdc vdb
  check "write" put_sector $r 81 0xab
  check "remove" dmsetup remove r
  slot=$(dmsetup create r --table "$(spares vdc vdb)" && dmsetup message r 0 query 80 | sed 's/.*spare_sector=\([0-9]*\).*/\1/')
  check "remove" dmsetup remove r
  dmsetup create bad --table "0 $slot linear /dev/vdc 0
$slot 1 error
$((slot + 1)) $((16384 - slot - 1)) linear /dev/vdc $((slot + 1))" && dmsetup mknodes bad
  check "create" create mapper/bad vdb
  dmsetup message r 0 evacuate 0 >/run/reply || fail "evacuate"
  same "what cannot be read stays" "$(cut -d' ' -f1,3 /run/reply)" "failed block=10"
  same "lost" "$(status r lost)" 1
  dmsetup message r 0 list spares | grep -q '^0 1 spare .*used=1 ' || fail "$(dmsetup message r 0 list spares)"
  refuse "read" get /run/back $r 10
  same "given up" "$(dmsetup message r 0 evacuate 0 abandon)" "ok moved=1"
  check "leave it out" reload vdb
  refuse "read" get /run/back $r 10
  dd if=/run/want of=/run/block bs=4096 skip=10 count=1 2>/dev/null
  check "its other sectors are there" is_sector $r 81 0xab
  refuse "but not this one" is_sector $r 80 0xab
  check "rewrite" put /run/block $r 10
  check "read" reads
  check "remove" dmsetup remove r
  ;;
esac
