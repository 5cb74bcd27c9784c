#!/bin/sh
# fio verifies all it wrote on an IDE disk, on which sectors go bad ahead of it for reading and writing.
# vm: disk=ide0:64M disk=vd0:32M memory=768 timeout=240
. /lib/vm.sh
load_remap
check "create" remap_create r /dev/disk/ide0 /dev/vda block_size 8 read_retries 0
bad="" blocks=0

# one sector each in two blocks
worsen() {
  first=$((($1 / 8 + 4) * 8))
  bad="$bad both:$((first + 3)) both:$((first + 21))"
  host_faults ide0 $bad
  blocks=$((blocks + 2))
}

fio_worsen r 0 4096 4096 worsen
fio_worsen r 16384 1024 512 worsen
fio_worsen r 32768 8192 65536 worsen
same "every block with a bad sector has a slot" "$(status r remaps)" $blocks
same "pending" "$(status r pending)" 0
same "lost" "$(status r lost)" 0
check "remove" dmsetup remove r
