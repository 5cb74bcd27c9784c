#!/bin/sh
# Metadata that cannot be written, a spare that is gone, a burst of errors: what is mapped is served, no more is
# promised than can be kept, and an operator gets back to rw.
# vm: memory=768 timeout=240
. /lib/vm.sh
load_remap
nullb main 32
nullb spare 16
for b in 10 11 12 13 14; do nullb_bad main $((b * 8)) 8; done
check "create" remap_create r /dev/main /dev/spare block_size 8
r=/dev/mapper/r
pattern /run/data 8 one
block() { dd if=/run/data of=/run/block bs=4096 skip="$1" count=1 2>/dev/null; }
holds() { get /run/back $r "$1" && block "$2" && cmp /run/block /run/back; }
write() { block "$2"; put /run/block $r "$1"; }

check "write" write 10 0
same "md_copies_ok" "$(status r md_copies_ok)" 2

# both copies of page 0 in the first mirror
nullb_bad spare 16 16
check "a write with one mirror left" write 11 1
same "mode" "$(status r mode)" rw
same "md_copies_ok" "$(status r md_copies_ok)" 1
check "read" holds 11 1

# and in the second
pages=$((($(status r slots) + 125) / 126 + 16))
nullb_bad spare $((32768 - 16 - pages * 16)) 16
refuse "a write without a mirror" write 12 2
same "mode" "$(status r mode)" ro_md
same "remaps" "$(status r remaps)" 2
[ "$(status r commit_fail)" -ge 1 ] || fail "commit_fail"
same "md_copies_ok" "$(status r md_copies_ok)" 0
check "what is mapped reads" holds 10 0
check "what is mapped can be written" write 10 3
check "and reads" holds 10 3
check "clean blocks too" write 100 4
check "and read" holds 100 4
refuse "another write to the block" write 12 2
refuse "another bad block" write 13 2
refuse "a remap" dmsetup message r 0 remap 500
refuse "recover while it is still so" dmsetup message r 0 recover
same "mode" "$(status r mode)" ro_md

# a block whose commit failed is not written behind the spare's back
nullb_good main 96 8
refuse "a write that the spare may contradict" write 12 5
nullb_good spare 16 16
nullb_good spare $((32768 - 16 - pages * 16)) 16
same "recover" "$(dmsetup message r 0 recover)" "ok mode=rw"
same "md_copies_ok" "$(status r md_copies_ok)" 2
check "now it can" write 12 5
check "another bad block" write 13 6
check "remove" dmsetup remove r
check "create" remap_create r /dev/main /dev/spare block_size 8
check "block 10" holds 10 3
check "block 11" holds 11 1
check "block 12" holds 12 5
check "block 13" holds 13 6
check "remove" dmsetup remove r

# a burst: what is beyond the limit passes through unmarked
nullb main2 32
nullb spare2 16
nullb_bad main2 800 160
check "create" remap_create b /dev/main2 /dev/spare2 block_size 8 error_burst 5
refuse "twenty bad blocks at once" dd if=/dev/zero of=/dev/mapper/b bs=80k seek=5 count=1 oflag=direct conv=notrunc
same "five are remapped" "$(status b remaps)" 5
refuse "reading the rest" dd if=/dev/mapper/b of=/dev/null bs=40k skip=11 count=1 iflag=direct
same "none is pending" "$(status b pending)" 0
dmesg | grep -q 'errors pass through' || fail "no word about the burst"
check "raise the limit" dmsetup message b 0 set error_burst 100
check "all of them" dd if=/dev/zero of=/dev/mapper/b bs=80k seek=5 count=1 oflag=direct conv=notrunc
same "remaps" "$(status b remaps)" 20
check "remove" dmsetup remove b

# a spare that is gone
modprobe scsi_debug dev_size_mb=16 || fail "scsi_debug"
modprobe sd_mod
find_disk() {
  for d in /sys/block/sd*; do
    grep -q scsi_debug "$d/device/model" 2>/dev/null && disk=${d##*/}
  done
  [ -b "/dev/$disk" ]
}
wait_until 10 find_disk || fail "no scsi_debug disk"
nullb main3 32
nullb_bad main3 80 8
check "create" remap_create g /dev/main3 /dev/$disk block_size 8
r=/dev/mapper/g
check "write" write 10 0
check "flush" dd if=/run/data of=$r bs=4096 seek=50 count=1 conv=notrunc,fsync
echo offline >"/sys/block/$disk/device/state"
refuse "read from a spare that is gone" get /run/back $r 10
same "mode" "$(status g mode)" no_spare
same "lost" "$(status g lost)" 0
check "clean blocks can be written" write 100 1
check "and read" holds 100 1
check "and flushed: nothing on the spare waits for it" dd if=/run/data of=$r bs=4096 seek=51 count=1 conv=notrunc,fsync
echo running >"/sys/block/$disk/device/state"
same "recover" "$(dmsetup message g 0 recover)" "ok mode=rw"
check "it is there again" holds 10 0
check "remove" dmsetup remove g

# a refused write of which one mirror knows: when the block is on main again, the other mirror may still come to say so
nullb main4 32
nullb spare4 16
nullb_bad main4 80 8
check "create" remap_create t /dev/main4 /dev/spare4 block_size 8
r=/dev/mapper/t
refuse "read of a bad block" get /run/back $r 10
same "pending" "$(status t pending)" 1
check "it is durable" dmsetup message t 0 checkpoint
pages=$((($(status t slots) + 125) / 126 + 16))
nullb_bad spare4 0 16
nullb_bad spare4 $((32768 - 16 - pages * 16)) $((pages * 16 + 16))
refuse "a write that one mirror takes" write 10 5
same "mode" "$(status t mode)" no_spare
same "still pending" "$(status t pending)" 1
nullb_good main4 80 8
check "main has come round" get /run/back $r 10
same "pending" "$(status t pending)" 0
refuse "a write to main that the mirror would hide" write 10 6
check "remove" dmsetup remove t
nullb_good spare4 0 32768
check "create" remap_create t /dev/main4 /dev/spare4 block_size 8
same "the mirror's word" "$(status t remaps)" 1
check "the refused write, and nothing older than what was acknowledged" holds 10 5
check "remove" dmsetup remove t

# one write over two pending blocks, of which main takes the second again: it is not done when the slot of the first is not
nullb main5 32
nullb spare5 16
check "create" remap_create v /dev/main5 /dev/spare5 block_size 8 pending_write verify
r=/dev/mapper/v
check "pending" dmsetup message v 0 pending add 10 2
pages=$((($(status v slots) + 125) / 126 + 16))
nullb_bad main5 80 8
nullb_bad spare5 16 16
nullb_bad spare5 $((32768 - 16 - pages * 16)) 16
refuse "a write half of which is nowhere" dd if=/run/data of=$r bs=8192 seek=5 count=1 oflag=direct conv=notrunc
same "mode" "$(status v mode)" ro_md
same "remaps" "$(status v remaps)" 0
same "the second is no longer pending" "$(status v pending)" 1
check "remove" dmsetup remove v
