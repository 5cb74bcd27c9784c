#!/bin/sh
# A block that could be read only by retrying is copied to a slot while it can be read, if that is wanted.
# vm: memory=768 smp=2 timeout=300
. /lib/vm.sh
load_remap
need_modules configfs dm-delay
mount -t configfs none /sys/kernel/config 2>/dev/null
nullb under 32
nullb spare 16
# each read of main takes a while, so that what fails at first can come round before the retries end
dmsetup create main --table "0 $(sectors /dev/under) delay /dev/under 0 100 /dev/under 0 0" && dmsetup mknodes main
check "create" remap_create r /dev/mapper/main /dev/spare block_size 8 read_retries 100
r=/dev/mapper/r
pattern /run/a 4 first
put /run/a $r 100 4

# reads so far, as the disk below counts them
reads() { awk '{ print $1 }' "/sys/block/$(nullb_node under)/stat"; }
grew() { [ "$(reads)" -ge "$1" ]; }
failed() { [ "$(dmesg | grep -c 'I/O error, dev under')" -ge "$1" ]; }
# shaky BLOCK COUNT: a read of COUNT blocks of which the first fails a few times
shaky() {
  dmesg -c >/dev/null
  nullb_bad under $(($1 * 8)) 8
  get /run/b $r "$1" "$2" &
  reader=$!
  wait_until 60 failed 2 || fail "the read does not fail"
  nullb_good under $(($1 * 8)) 8
  wait $reader || fail "the read failed in the end"
}

shaky 100 1
head -c 4096 /run/a >/run/want
check "what was read" cmp /run/b /run/want
same "without salvage no slot is used" "$(status r remaps) $(status r salvaged)" "0 0"
[ "$(status r retries_ok)" -gt 0 ] || fail "retries_ok"

check "set" dmsetup message r 0 set salvage on
same "get" "$(dmsetup message r 0 get salvage)" on
dmsetup table r | grep -q 'salvage on' || fail "not in the table line"
refuse "no such value" dmsetup message r 0 set salvage maybe
shaky 100 4
check "what was read" cmp /run/b /run/a
remapped() { [ "$(status r remaps)" = "$1" ]; }
check "it is copied" wait_until 10 remapped 1
same "and its neighbours are not" "$(status r slots_used)" 1
same "counted" "$(status r salvaged) $(status r predicted_remaps) $(status r pending)" "1 1 0"
dmsetup message r 0 list remaps | grep -q '^100 1 remapped [0-9]* reason=predicted' || fail "$(dmsetup message r 0 list remaps)"
nullb_bad under 800 32
check "it reads from there now" get /run/b $r 100
check "the same" cmp /run/b /run/want
refuse "its neighbour does not" get /run/b $r 101
nullb_good under 800 32

# a slot is a slot, whatever for
check "remove" dmsetup remove r
check "create" remap_create r /dev/mapper/main /dev/spare block_size 8 read_retries 100 salvage on
check "it stays" remapped 1
check "the same" get /run/b $r 100
check "the same" cmp /run/b /run/want
check "remove" dmsetup remove r
