#!/bin/sh
# What cannot be read stays an error until it is rewritten; nobody gets bytes that were not read.
# vm: memory=768 timeout=240
. /lib/vm.sh
load_remap
# medium errors on reads only: sectors 1000 to 1009 are in blocks 125 and 126
modprobe scsi_debug dev_size_mb=64 opts=2 medium_error_start=1000 medium_error_count=10 || fail "scsi_debug"
modprobe sd_mod
find_disk() {
  for d in /sys/block/sd*; do
    grep -q scsi_debug "$d/device/model" 2>/dev/null && disk=/dev/${d##*/}
  done
  [ -b "$disk" ]
}
wait_until 10 find_disk || fail "no scsi_debug disk"
nullb spare 16
check "create" remap_create r "$disk" /dev/spare block_size 8
r=/dev/mapper/r
nr=$(dmsetup info -c --noheadings -o events r)

refuse "read of the bad range" dd if=$r of=/run/back bs=64k skip=7 count=1 iflag=direct
same "pending" "$(status r pending)" 2
same "no slot is used for that" "$(status r slots_used)" 0
check "an event was raised" dmsetup wait r "$nr"
check "its neighbour reads" get /run/back $r 124
check "and the next" get /run/back $r 127
refuse "the block" get /run/back $r 125
dmsetup message r 0 list pending | grep -q '^125 2 pending reason=read_error' || fail "list pending"
dmsetup message r 0 query 1000 | grep -q '^1000 pending ' || fail "query"

# pending is durable
dmsetup message r 0 checkpoint | grep -q '^ok ' || fail "checkpoint"
check "remove" dmsetup remove r
check "create" remap_create r "$disk" /dev/spare block_size 8
same "still pending" "$(status r pending)" 2

# a part of block 126 that can be read (sector 1012) comes along, what cannot stays an error
check "write one sector" put_sector $r 1008 0xb1
same "remapped" "$(status r remaps)" 1
check "it reads" is_sector $r 1008 0xb1
refuse "its bad neighbour" get /run/back $r 126
check "its good neighbour" is_sector $r 1012 0x00

head -c 4096 /dev/urandom >/run/data
check "rewrite block 125" put /run/data $r 125
check "read it" get /run/back $r 125
check "as written" cmp /run/data /run/back
same "nothing is pending" "$(status r pending)" 0
same "two are remapped" "$(status r remaps)" 2
check "remove" dmsetup remove r
check "create" remap_create r "$disk" /dev/spare block_size 8
check "read it again" get /run/back $r 125
check "as written" cmp /run/data /run/back
check "the part is there" is_sector $r 1008 0xb1
refuse "the other part is still not" get /run/back $r 126
check "remove" dmsetup remove r

# an operator's word, and pending_write verify on a disk that can be written
nullb main 64
nullb spare2 16
check "create with verify" remap_create v /dev/main /dev/spare2 block_size 8 pending_write verify
v=/dev/mapper/v
check "write" put /run/data $v 10
check "mark it" dmsetup message v 0 pending add 10 2
same "pending" "$(status v pending)" 2
refuse "read" get /run/back $v 10
# his word counts for what was pending by itself, too: main is tried no longer
nullb_bad main 4000
refuse "read a bad sector" get /run/back $v 500
check "the rest of its block can be read" is_sector $v 4007 0x00
check "mark it" dmsetup message v 0 pending add 500
refuse "the rest of its block" is_sector $v 4007 0x00
nullb_good main 4000
refuse "read it, well again" get /run/back $v 500
check "clear it" dmsetup message v 0 pending clear 500
check "read it" get /run/back $v 500
refuse "pending add of a block out of range" dmsetup message v 0 pending add 999999
check "rewrite" put /run/data $v 10
same "rehabilitated" "$(status v rehabilitated)" 1
same "pending" "$(status v pending)" 1
same "no slot" "$(status v slots_used)" 0
check "read" get /run/back $v 10
check "as written" cmp /run/data /run/back
check "clear the other" dmsetup message v 0 pending clear 11
check "read it" get /run/back $v 11
same "pending" "$(status v pending)" 0

# one failing slot makes the block lost, until it is rewritten to another
nullb_bad main 160 8
check "write block 20" put /run/data $v 20
same "remapped" "$(status v remaps)" 1
at=$(dmsetup message v 0 query 160 | sed 's/.*spare_sector=\([0-9]*\).*/\1/')
nullb_bad spare2 "$at" 8
refuse "read from a bad slot" get /run/back $v 20
same "lost" "$(status v lost)" 1
check "rewrite" put /run/data $v 20
same "not lost" "$(status v lost)" 0
check "read" get /run/back $v 20
check "as written" cmp /run/data /run/back
same "slots_bad" "$(status v slots_bad)" 1

# errors come back whole in maintenance, nothing is marked, and it survives a reload
check "maintenance" dmsetup message v 0 maintenance on
same "mode" "$(status v mode)" maint
nullb_bad main 400 8
refuse "write" put /run/data $v 50
same "no remap" "$(status v remaps)" 1
refuse "read" get /run/back $v 50
same "no pending" "$(status v pending)" 0
check "remove" dmsetup remove v
check "create" remap_create v /dev/main /dev/spare2 block_size 8 pending_write verify
same "mode" "$(status v mode)" maint
check "maintenance off" dmsetup message v 0 maintenance off
check "write" put /run/data $v 50
same "remapped" "$(status v remaps)" 2
check "remove" dmsetup remove v
