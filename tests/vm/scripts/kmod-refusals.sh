#!/bin/sh
# What is not understood is refused with a sentence, and nothing is changed by it.
# vm: memory=768 timeout=240
. /lib/vm.sh
load_remap
nullb main 32
nullb other 48
nullb spare 16
nullb garbage 16
M=$(sectors /dev/main) S=$(sectors /dev/spare)
bad_table() {
  what=$1 says=$2; shift 2
  dmesg -c >/dev/null
  refuse "$what" dmsetup create x --table "0 $M remap $*"
  dmesg | grep -q "device-mapper: remap: .*$says" || fail "$what: the log does not say '$says'"
  dmsetup info x >/dev/null 2>&1 && dmsetup remove x
}
sum() { md5sum <"$1"; }
before=$(sum /dev/spare)
bad_table "no arguments" "Too few"
bad_table "unknown version" "version" 2 /dev/main 0 1 /dev/spare 0 "$S" 0
bad_table "no such main" "main device" 1 /dev/nothing 0 1 /dev/spare 0 "$S" 0
bad_table "no such spare" "spare device" 1 /dev/main 0 1 /dev/nothing 0 "$S" 0
bad_table "no spare" "Number of spares" 1 /dev/main 0 0 0
bad_table "spare too long" "too small" 1 /dev/main 0 1 /dev/spare 0 $((S + 8)) 0
bad_table "spare too small" "too small" 1 /dev/main 0 1 /dev/spare 0 64 0
bad_table "main too small" "too small" 1 /dev/main 2048 1 /dev/spare 0 "$S" 0
bad_table "trailing word" "Trailing" 1 /dev/main 0 1 /dev/spare 0 "$S" 0 x
bad_table "odd features" "even" 1 /dev/main 0 1 /dev/spare 0 "$S" 1 copies
bad_table "too few features" "Too few feature" 1 /dev/main 0 1 /dev/spare 0 "$S" 4 copies 2
bad_table "unknown feature" "Unknown feature" 1 /dev/main 0 1 /dev/spare 0 "$S" 2 colour 2
bad_table "duplicate feature" "twice" 1 /dev/main 0 1 /dev/spare 0 "$S" 4 copies 2 copies 2
bad_table "block_size 3" "block_size" 1 /dev/main 0 1 /dev/spare 0 "$S" 2 block_size 3
bad_table "block_size 128" "block_size" 1 /dev/main 0 1 /dev/spare 0 "$S" 2 block_size 128
bad_table "copies 6" "copies" 1 /dev/main 0 1 /dev/spare 0 "$S" 2 copies 6
bad_table "main is spare" "same device" 1 /dev/main 0 1 /dev/main 0 "$S" 0
same "the spare is untouched" "$(sum /dev/spare)" "$before"

dd if=/dev/urandom of=/dev/garbage bs=1M count=16 oflag=direct 2>/dev/null
before=$(sum /dev/garbage)
bad_table "a spare that is not blank" "neither blank" 1 /dev/main 0 1 /dev/garbage 0 "$S" 0
same "it is untouched" "$(sum /dev/garbage)" "$before"

check "create" remap_create r /dev/main /dev/spare block_size 8
line="$(dmsetup table r)"
check "a remap" dmsetup message r 0 remap 5 3
state() { dmsetup status r | tr ' ' '\n' | grep -E '^(slots|remaps|pending|lost|md_gen|block_size)'; }
now=$(state)
bad_message() {
  dmesg -c >/dev/null
  refuse "message $*" dmsetup message r 0 "$@"
  dmesg | grep -q "device-mapper: remap: .*message $1 refused" || fail "no word in the log about $1"
}
bad_message nonsense
bad_message remap
bad_message remap x
bad_message remap 99999999
bad_message remap 8191 2
bad_message remap 1 0
bad_message remap 1 2 3
bad_message remap 18446744073709551616
bad_message unmap
bad_message pending add
bad_message pending drop 1
bad_message pending add 5
bad_message query
bad_message query 99999999
bad_message list
bad_message list nonsense
bad_message list remaps x
bad_message stats now
bad_message set
bad_message set nonsense 1
bad_message set read_retries
bad_message set read_retries 1000
bad_message set alloc best
bad_message get nonsense
bad_message maintenance maybe
bad_message checkpoint now
bad_message recover now
bad_message mark_slot_bad 99999999
bad_message scrub begin
bad_message rebalance now
bad_message histogram clear
same "nothing has changed" "$(state)" "$now"
same "the table neither" "$(dmsetup table r)" "$line"

# settings show in the table line, and the table line makes the same target again
check "set" dmsetup message r 0 set read_retries 5
same "get" "$(dmsetup message r 0 get read_retries)" 5
check "set" dmsetup message r 0 set pending_write verify
line="$(dmsetup table r)"
echo "$line" | grep -q 'pending_write verify read_retries 5' || fail "table: $line"

dmesg -c >/dev/null
refuse "a second active target on the spare" dmsetup create y --table "$line"
dmesg | grep -q 'another active target' || fail "the log does not say why"
dmsetup info y >/dev/null 2>&1 && dmsetup remove y
same "the first is unharmed" "$(status r remaps)" 3
check "remove" dmsetup remove r
check "the same table" dmsetup create r --table "$line"
same "the same line" "$(dmsetup table r)" "$line"
same "remaps" "$(status r remaps)" 3
check "remove" dmsetup remove r

before=$(sum /dev/spare)
dmesg -c >/dev/null
refuse "another main" dmsetup create x --table "0 $(sectors /dev/other) remap 1 /dev/other 0 1 /dev/spare 0 $S 0"
dmesg | grep -q 'Wrong main device' || fail "the log does not say wrong main"
bad_table "another block size" "block_size is not" 1 /dev/main 0 1 /dev/spare 0 "$S" 2 block_size 16
bad_table "a shorter spare" "shorter than it is" 1 /dev/main 0 1 /dev/spare 0 $((S - 8)) 0
same "the spare is untouched" "$(sum /dev/spare)" "$before"

# one end gone: loaded from the other and repaired
dd if=/dev/zero of=/dev/spare bs=4096 count=2 oflag=direct conv=notrunc 2>/dev/null
check "one end wiped" dmsetup create r --table "$line"
same "remaps" "$(status r remaps)" 3
check "remove" dmsetup remove r
check "create again" dmsetup create r --table "$line"
check "remove" dmsetup remove r
dd if=/dev/urandom of=/dev/spare bs=4096 seek=$((S / 8 - 2)) count=2 oflag=direct conv=notrunc 2>/dev/null
check "the other end overwritten" dmsetup create r --table "$line"
same "remaps" "$(status r remaps)" 3
check "remove" dmsetup remove r

# a page damaged in one mirror changes nothing; in every mirror it is refused
page=2
dd if=/dev/urandom of=/dev/spare bs=4096 seek=$page count=2 oflag=direct conv=notrunc 2>/dev/null
check "a damaged page" dmsetup create r --table "$line"
same "remaps" "$(status r remaps)" 3
dmesg | grep -q 'metadata pages of spare 0 repaired' || fail "no word about the repair"
pages=$(( ($(status r slots) + 125) / 126 + 16 )) # and a page of pending blocks for each MiB
check "remove" dmsetup remove r
tail=$((S / 8 - 2 - pages * 2))
for p in $page $((page + 1)) $tail $((tail + 1)); do
  dd if=/dev/zero of=/dev/spare bs=4096 seek=$p count=1 oflag=direct conv=notrunc 2>/dev/null
done
before=$(sum /dev/spare)
dmesg -c >/dev/null
refuse "a page damaged in every mirror" dmsetup create r --table "$line"
dmesg | grep -q 'damaged in every mirror' || fail "the log does not say so: $pages $tail"
same "nothing was written" "$(sum /dev/spare)" "$before"

# main with a signature: another main of the same size is refused
nullb spare3 16
nullb main3 32
nullb main4 32
check "create with an offset" dmsetup create s --table "0 $((M - 2048)) remap 1 /dev/main3 2048 1 /dev/spare3 0 $S 0"
check "remove" dmsetup remove s
dmesg -c >/dev/null
refuse "a main without the signature" dmsetup create s --table "0 $((M - 2048)) remap 1 /dev/main4 2048 1 /dev/spare3 0 $S 0"
dmesg | grep -q 'no signature' || fail "the log does not say so"
check "its own main" dmsetup create s --table "0 $((M - 2048)) remap 1 /dev/main3 2048 1 /dev/spare3 0 $S 0"
check "remove" dmsetup remove s
