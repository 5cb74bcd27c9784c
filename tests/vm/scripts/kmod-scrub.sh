#!/bin/sh
# The scrub finds what cannot be read, goes on where it stopped, and keeps out of the way when it is told to.
# vm: memory=768 smp=2 timeout=300
. /lib/vm.sh
load_remap
need_modules configfs
mount -t configfs none /sys/kernel/config 2>/dev/null
nullb under 64
nullb spare 16
need_modules dm-delay

slot_sector() { dmsetup message r 0 query $(($1 * 8)) | sed 's/.* spare_sector=\([0-9]*\).*/\1/'; }
is_state() { [ "$(status r scrub_state)" = "$1" ]; }
scrub() { dmsetup message r 0 scrub "$@"; }
is_pending() { dmsetup message r 0 query $(($1 * 8)) | grep -q ' pending '; }
beyond() { [ "$(status r scrub_pos)" -gt "$1" ]; }

check "create" remap_create r /dev/under /dev/spare block_size 8
same "at first" "$(status r scrub_state) $(status r scrub_pos) $(status r scrub_total)" "idle 0 16384"
same "the default rate" "$(status r scrub_rate)" 65536

# bad blocks on main; one that is remapped does not count, its slot does
check "remap" dmsetup message r 0 remap 900
check "remap" dmsetup message r 0 remap 5000 3
nullb_bad under $((900 * 8)) 8
nullb_bad under $((1000 * 8)) 8
nullb_bad under $((1063 * 8 + 3)) 1
nullb_bad under $((1064 * 8)) 8
nullb_bad under $((16383 * 8)) 8
bad_slot=$(slot_sector 5001)
nullb_bad spare "$bad_slot"
nr=$(dmsetup info -c --noheadings -o events r)
scrub start 0 | grep -q '^ok state=running pos=[0-9]* total=16384 found=0 rate=0' || fail "start: $(scrub status)"
check "it ends" wait_until 60 is_state "done"
check "and says so" dmsetup wait r "$nr"
same "all was read" "$(status r scrub_pos)" 16384
same "found" "$(status r scrub_found)" 5
same "pending" "$(status r pending)" 4
for block in 1000 1063 1064 16383; do check "block $block is pending" is_pending $block; done
same "lost" "$(status r lost)" 1
same "remapped" "$(status r remaps)" 3
refuse "a pending block is not read" get /run/x /dev/mapper/r 1000

# what has come round is not pending any more
nullb_good under $((1000 * 8)) 8
scrub start 0 >/run/reply
check "it ends" wait_until 60 is_state "done"
same "pending" "$(status r pending)" 3
same "nothing is found twice" "$(status r scrub_found)" 0

# goes on after a pause, a reload, and by itself after a restart
scrub start 2048 >/run/reply
check "it goes" wait_until 30 beyond 500
scrub pause >/run/reply
at=$(status r scrub_pos)
[ "$at" -lt 16000 ] || fail "too fast to tell"
check "remove" dmsetup remove r
check "create" remap_create r /dev/under /dev/spare block_size 8
same "paused" "$(status r scrub_state)" paused
pos=$(status r scrub_pos)
[ "$pos" -ge "$at" ] && [ "$pos" -lt $((at + 512)) ] || fail "pos $pos, was $at"
same "its rate" "$(status r scrub_rate)" 2048
scrub start 2048 >/run/reply
check "it goes on" wait_until 30 beyond $((pos + 300))
check "remove while it runs" dmsetup remove r
check "create" remap_create r /dev/under /dev/spare block_size 8
check "it goes on by itself" wait_until 30 beyond $((pos + 500))
same "running" "$(status r scrub_state)" running
scrub status | grep -q ' eta_s=[0-9]' || fail "no eta: $(scrub status)"
check "suspend" dmsetup suspend r
same "suspended" "$(status r scrub_state)" paused
reads=$(cut -c1-20 /sys/block/"$(nullb_node under)"/stat)
pos=$(status r scrub_pos)
check "reload" dmsetup reload r --table "0 $(sectors /dev/under) remap 1 /dev/under 0 1 /dev/spare 0 $(sectors /dev/spare) 2 block_size 8"
same "no reads while suspended" "$(cut -c1-20 /sys/block/"$(nullb_node under)"/stat)" "$reads"
check "resume" dmsetup resume r
check "it goes on in the new table" wait_until 30 beyond $((pos + 200))

# maintenance: nothing automatic
check "maintenance" dmsetup message r 0 maintenance on
same "held" "$(status r scrub_state)" paused
refuse "start" scrub start
refuse "sample" scrub sample 10
check "end of maintenance" dmsetup message r 0 maintenance off
pos=$(status r scrub_pos)
check "it goes on" wait_until 30 beyond "$pos"
scrub stop | grep -q state=idle || fail "stop"
same "stopped" "$(status r scrub_state)" idle
scrub start >/run/reply
scrub stop >/run/reply
same "begins anew" "$(status r scrub_found)" 0
refuse "no rate" scrub start fast
refuse "trailing words" scrub start 1 2
refuse "no such word" scrub now
refuse "nothing" scrub
check "set" dmsetup message r 0 set scrub_rate 512
same "the setting shows" "$(status r scrub_rate)" 512
dmsetup table r | grep -q 'scrub_rate 512' || fail "not in the table line: $(dmsetup table r)"

# a user meets an error far ahead of the scrub: what is around it is read first
nullb_bad under $((12000 * 8)) 8
nullb_bad under $((12100 * 8)) 8
nullb_bad under $((11900 * 8)) 8
scrub start 1024 >/run/reply
check "it goes" wait_until 30 beyond 10
refuse "the read" get /run/x /dev/mapper/r 12000
check "its neighbour above" wait_until 30 is_pending 12100
check "its neighbour below" wait_until 30 is_pending 11900
[ "$(status r scrub_pos)" -lt 11000 ] || fail "the scrub has been there in its turn"
same "found by the scrub" "$(status r scrub_found)" 2
scrub stop >/run/reply

# a sample: what it says, what it finds, and where it looks first
dmsetup message r 0 pending clear 11900 201 >/run/reply || fail "clear"
refuse "the read" get /run/x /dev/mapper/r 12000
reply=$(scrub sample 300)
echo "$reply"
word() { echo "$reply" | tr ' ' '\n' | sed -n "s/^$1=//p"; }
same "read" "$(word read)" 300
check "the neighbour above" is_pending 12100
check "the neighbour below" is_pending 11900
[ "$(word near_found)" -ge 5 ] || fail "near_found $(word near_found)"
[ "$(word found)" -gt 0 ] || same "rule of three" "$(word bad_max_ppb)" 10000001
check "remove" dmsetup remove r

nullb_good spare "$bad_slot"

# a quarter of the device fails: 64 of 256 strata
check "a device with a bad quarter" dmsetup create quarter --table "0 16384 linear /dev/under 0
16384 32768 error
49152 81920 linear /dev/under 49152"
dmsetup mknodes quarter
dd if=/dev/zero of=/dev/spare bs=1M count=16 oflag=direct 2>/run/dd.log
check "create" remap_create r /dev/mapper/quarter /dev/spare block_size 8 error_burst 0
reply=$(scrub sample 256)
echo "$reply"
[ "$(word found)" -ge 64 ] && [ "$(word found)" -le 68 ] || fail "found $(word found) of 64"
[ "$(word bad_max_ppb)" -gt 250000000 ] && [ "$(word bad_max_ppb)" -lt 350000000 ] || fail "bound"
scrub status | grep -q "sample_read=256 sample_found=$(word found)" || fail "status: $(scrub status)"
refuse "a sample of nothing" scrub sample 0
refuse "no number" scrub sample
check "remove" dmsetup remove r

# 20 TB that hold nothing
mkdir /sys/kernel/config/nullb/huge
echo 19073486 >/sys/kernel/config/nullb/huge/size
echo 0 >/sys/kernel/config/nullb/huge/memory_backed
echo 1 >/sys/kernel/config/nullb/huge/power
wait_until 5 [ -b /dev/huge ] || fail "no node for null_blk huge"
dd if=/dev/zero of=/dev/spare bs=1M count=16 oflag=direct 2>/run/dd.log
check "create" remap_create r /dev/huge /dev/spare block_size 8
reply=$(scrub sample 2000)
same "read" "$(word read) $(word found) $(word bad_max_ppb)" "2000 0 1500001"
same "a sample alone leaves done" "$(status r scrub_state)" "done"
check "remove" dmsetup remove r
