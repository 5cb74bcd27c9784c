#!/bin/sh
# Loads a target all of whose $VM_SLOTS slots are in use, by a clock that counts instructions.
# vm: memory=1024 smp=1 timeout=1200 clock=instructions disk=vd0:0
. /lib/vm.sh
load_remap
spare=/dev/vda
nullb main $(($VM_SLOTS * 8 / 256)) 512 memory_backed=0 irqmode=0
create() {
  dmsetup create r --table "0 $(sectors /dev/main) remap 1 /dev/main 0 1 $spare 0 $(sectors $spare) 2 block_size 8" || fail "create"
  dmsetup mknodes r
}
# What a CPU keeps at hand is free, but not counted as such.
free() {
  sync
  echo 3 >/proc/sys/vm/drop_caches
  at_hand=$(awk '$1 == "count:" { pages += $2 } END { print pages * 4 }' /proc/zoneinfo)
  awk -v more="$at_hand" '/^MemFree/ { print $2 + more }' /proc/meminfo
}
clock() { cut -d' ' -f1 /proc/uptime; }
read_sectors() { awk '{ print $3 }' /sys/block/vda/stat; }
# What only the first time takes is not to count.
create
check "remove" dmsetup remove r
memory=$(free) at=$(read_sectors) since=$(clock)
create
until=$(clock)
same "remaps" "$(status r remaps)" "$VM_SLOTS"
echo "loaded $since $until $(($(read_sectors) - at)) $((memory - $(free)))"
