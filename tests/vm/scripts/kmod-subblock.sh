#!/bin/sh
# Writes of one sector to blocks of eight, in every state that a block can be in, and bios over blocks of all states: what was
# written reads back, what can still be read stays, what cannot is an error and never zeros.
# vm: memory=768 timeout=300
. /lib/vm.sh
load_remap
nullb main 64
nullb spare 16
r=/dev/mapper/r
activate() { check "create" remap_create r /dev/main /dev/spare block_size 8 alloc first; }
again() { check "remove" dmsetup remove r; activate; }
state() { dmsetup message r 0 query "$1" | awk '{ print $2 }'; }
word() { dmsetup message r 0 query "$1" | sed -n "s/.* $2=\([^ ]*\).*/\1/p"; }
fill() { fio --name=f --filename=$r --direct=1 --rw=write --bs=4k --offset=$(($1 * 4096)) --size=$(($2 * 4096)) --buffer_pattern="$3" --output=/run/fio.log || fail "fill"; }
# others BLOCK WRITTEN BYTE: every other sector of the block still reads so
others() {
  for i in 0 1 2 3 4 5 6 7; do
    [ "$i" = "$2" ] || is_sector $r $(($1 * 8 + i)) "$3" || fail "sector $i of block $1 is not $3"
  done
  pass "the others of block $1"
}
activate
fill 0 64 0x11

# clean: goes to main, and nothing else happens
check "clean" put_sector $r $((1 * 8 + 3)) 0xa1
same "still clean" "$(state 8)" clean
check "reads" is_sector $r $((1 * 8 + 3)) 0xa1
others 1 3 0x11

# clean, but the sector cannot be written: the block moves and the others go along
nullb_bad main $((2 * 8 + 3))
check "bad sector" put_sector $r $((2 * 8 + 3)) 0xa2
same "remapped" "$(state 16) $(word 16 valid)" "remapped 0xff"
check "reads" is_sector $r $((2 * 8 + 3)) 0xa2
others 2 3 0x11

# the same, and another sector of it cannot be read: that one alone is lost
nullb_bad main $((3 * 8 + 3)) 2
check "bad sector beside another" put_sector $r $((3 * 8 + 3)) 0xa3
same "partly valid" "$(state 24) $(word 24 valid)" "remapped 0xef"
check "reads" is_sector $r $((3 * 8 + 3)) 0xa3
refuse "the other bad one" is_sector $r $((3 * 8 + 4)) 0x11
refuse "nor is it zero" is_sector $r $((3 * 8 + 4)) 0x00
check "a good one" is_sector $r $((3 * 8 + 7)) 0x11
refuse "the whole block" get /run/x $r 3

# remapped, whole: the sector is written in its slot
check "move" dmsetup message r 0 remap 4
check "remapped" put_sector $r $((4 * 8 + 3)) 0xa4
check "reads" is_sector $r $((4 * 8 + 3)) 0xa4
others 4 3 0x11

# partly valid: the missing sector is written, and all is there
check "the missing sector" put_sector $r $((3 * 8 + 4)) 0xb3
same "whole" "$(word 24 valid)" 0xff
check "reads" is_sector $r $((3 * 8 + 4)) 0xb3
check "the whole block" get /run/x $r 3

# pending: to a slot, with what can be read of it
nullb_bad main $((5 * 8 + 3)) 2
refuse "read" get /run/x $r 5
same "pending" "$(state 40)" pending
check "pending" put_sector $r $((5 * 8)) 0xa5
same "partly valid" "$(state 40) $(word 40 valid)" "remapped 0xe7"
check "reads" is_sector $r $((5 * 8)) 0xa5
refuse "what was bad" is_sector $r $((5 * 8 + 3)) 0x11
check "what was good" is_sector $r $((5 * 8 + 7)) 0x11

# lost: its slot cannot be read; what is written has a new one, the rest stays lost
check "move" dmsetup message r 0 remap 6
nullb_bad spare "$(word 48 spare_sector)" 8
refuse "read" get /run/x $r 6
same "lost" "$(state 48)" lost
check "lost" put_sector $r $((6 * 8 + 3)) 0xa6
same "one sector is valid" "$(state 48) $(word 48 valid)" "remapped 0x8"
check "reads" is_sector $r $((6 * 8 + 3)) 0xa6
refuse "the others" is_sector $r $((6 * 8 + 4)) 0x11
refuse "which main still has" get /run/x $r 6

# all of it is so after the next activation
again
check "clean" is_sector $r $((1 * 8 + 3)) 0xa1
check "moved" is_sector $r $((2 * 8 + 3)) 0xa2
others 2 3 0x11
check "filled up" is_sector $r $((3 * 8 + 4)) 0xb3
check "in its slot" is_sector $r $((4 * 8 + 3)) 0xa4
others 4 3 0x11
check "of a pending block" is_sector $r $((5 * 8)) 0xa5
refuse "what was bad" is_sector $r $((5 * 8 + 3)) 0x11
check "of a lost block" is_sector $r $((6 * 8 + 3)) 0xa6
refuse "the others" is_sector $r $((6 * 8 + 4)) 0x11

# one bio over clean, remapped, partly valid and lost blocks, beginning and ending within a block
refuse "a read over all states" dd if=$r of=/run/x bs=64k count=1 iflag=direct
same "no bytes of what is lost" "$(state 48) $(word 48 valid)" "remapped 0x8"
fio --name=w --filename=$r --direct=1 --rw=write --bs=31k --size=31k --offset=1536 --buffer_pattern=0x77 --output=/run/fio.log || fail "write over all states"
fio --name=v --filename=$r --direct=1 --rw=read --bs=31k --size=31k --offset=1536 --verify=pattern --verify_pattern=0x77 --output=/run/fio.log || fail "read over all states"
check "in front of it" is_sector $r 2 0x11
check "behind it" is_sector $r 65 0x11
same "whole again" "$(word 40 valid) $(word 48 valid)" "0xff 0xff"
again
fio --name=v --filename=$r --direct=1 --rw=read --bs=31k --size=31k --offset=1536 --verify=pattern --verify_pattern=0x77 --output=/run/fio.log || fail "read after activation"
check "remove" dmsetup remove r
