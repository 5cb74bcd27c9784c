#!/bin/sh
# fio verifies all it wrote on a SCSI disk, on which sectors become unreadable ahead of it. Such a disk takes writes to them
# without a word: what has been read and failed must go to a slot.
# vm: memory=768 timeout=240
. /lib/vm.sh
load_remap
errors=/sys/module/scsi_debug/parameters
disks=""
scsi_debug_disks 1 dev_size_mb=64 delay=0 opts=2 medium_error_start=100000000 medium_error_count=21
nullb spare 32
check "create" remap_create r "$disks" /dev/spare block_size 8 read_retries 0
blocks=0

# 21 sectors in three blocks, the outer ones in part
worsen() {
  first=$((($1 / 8 + 4) * 8))
  echo $((first + 2)) >$errors/medium_error_start
  for block in 0 1 2; do
    unreadable_block $((first / 8 + block)) || fail "block $((first / 8 + block)) is readable"
    blocks=$((blocks + 1))
  done
}
unreadable_block() { ! get /run/back /dev/mapper/r "$1"; }

fio_worsen r 0 4096 4096 worsen
fio_worsen r 16384 1024 512 worsen
fio_worsen r 32768 8192 65536 worsen
check "set pending_write" dmsetup message r 0 set pending_write verify
fio_worsen r 49152 4096 4096 worsen
same "every block that failed has a slot" "$(status r remaps)" $blocks
same "pending" "$(status r pending)" 0
same "lost" "$(status r lost)" 0
check "remove" dmsetup remove r
