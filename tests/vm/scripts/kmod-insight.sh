#!/bin/sh
# What the target says about where errors and I/O gather, and how long I/O takes.
# vm: memory=768 smp=2 timeout=300
. /lib/vm.sh
load_remap
need_modules configfs
mount -t configfs none /sys/kernel/config 2>/dev/null
nullb under 128
nullb spare 16
check "create" remap_create r /dev/under /dev/spare block_size 8 sample_rate 1
r=/dev/mapper/r
message() { dmsetup message r 0 "$@"; }
mount -t tracefs none /sys/kernel/tracing 2>/dev/null
trace=/sys/kernel/tracing
[ -d $trace/events/dm_remap ] || fail "no tracepoints"
echo 1 >$trace/events/dm_remap/enable

# errors: two in one MiB, a third within 10 MB, one alone far away
same "none" "$(status r hot_regions) $(status r error_clusters)" "0 0"
message list errors | grep -q '^ok entries=0' || fail "list errors"
for block in 1000 1010 2500 20000; do
  nullb_bad under $((block * 8)) 8
  refuse "read $block" get /run/b $r $block
done
same "regions and clusters" "$(status r hot_regions) $(status r error_clusters)" "1 1"
message list errors >/run/errors
cat /run/errors
grep -q '^1000 1501 cluster errors=3 ' /run/errors || fail "cluster"
grep -q '^768 256 region errors=2 weight=1999 \|^768 256 region errors=2 weight=2000 ' /run/errors || fail "region"
[ "$(wc -l </run/errors)" = 2 ] || fail "lines"

# hot blocks, and those first when a range moves
fio --name=x --filename=$r --direct=1 --rw=randread --bs=4k --offset=40m --size=4k --loops=300 --output=/run/fio.log || fail "fio"
fio --name=x --filename=$r --direct=1 --rw=randread --bs=4k --offset=50m --size=4k --loops=100 --output=/run/fio.log || fail "fio"
message list hot >/run/hot
head -n 4 /run/hot
head -n 1 /run/hot | grep -q '^10240 1 hot samples=[1-9][0-9][0-9] ' || fail "the hottest"
sed -n 2p /run/hot | grep -q '^12800 1 hot samples=' || fail "the next"
message list hot 1 | head -n 1 | grep -q '^12800 ' || fail "a cursor"
message remap 10200 64 | grep -q '^ok done=64' || fail "remap"
first=$(message query $((10240 * 8)) | sed 's/.* slot=\([0-9]*\).*/\1/')
same "the hot block has the first slot" "$first" 0
grep -q 'dm_remap_remap: 2[0-9]*:[0-9]* block=10240 slot=0 reason=3' $trace/trace || fail "trace: $(cat $trace/trace)"
grep -q 'dm_remap_pending: .* block=1010 ' $trace/trace || fail "no pending in the trace"
grep -q 'dm_remap_io_error: .* sector=8000 op=0 error=-5 class=medium' $trace/trace || fail "no error in the trace"
grep -q 'dm_remap_commit: .* gen=[0-9]* error=0' $trace/trace || fail "no commit in the trace"
message scrub start 1024 >/run/reply
message scrub stop >/run/reply
grep -q 'dm_remap_scrub: .* state=1 ' $trace/trace || fail "no scrub in the trace"

# what was looked up is known the next time, until something changes
check "reset" message stats reset
again() { fio --name=x --filename=$r --direct=1 --rw=randread --bs=4k --offset=$((10200 * 4))k --size=256k --norandommap --loops=20 \
  --cpus_allowed=0 --output=/run/fio.log || fail "fio"; }
again
hits=$(status r cache_hits) misses=$(status r cache_misses)
echo "cache: $hits hits, $misses misses"
[ "$hits" -gt $((misses * 10)) ] && [ "$misses" -ge 1 ] || fail "cache: $hits hits, $misses misses"
same "all lookups" "$((hits + misses))" "$(status r remapped_reads)"
check "change" message remap 300
again
[ "$(status r cache_misses)" -gt "$misses" ] || fail "the cache outlived a change"

# several streams at once are sequential, random I/O is not
check "set" message set sample_rate 0
check "reset" message stats reset
fio --direct=1 --rw=read --bs=4k --size=1m --filename=$r --cpus_allowed=0 --output=/run/fio.log \
  --name=a --offset=60m --name=b --offset=70m --name=c --offset=80m || fail "fio"
[ "$(status r seq_ios)" -gt 700 ] || fail "sequential: $(status r seq_ios) of $(status r reads)"
check "reset" message stats reset
fio --direct=1 --rw=randread --bs=4k --size=4m --offset=60m --filename=$r --name=a --output=/run/fio.log --norandommap || fail "fio"
[ "$(status r random_ios)" -gt 900 ] || fail "random: $(status r random_ios) of $(status r reads)"

# histograms
word() { message histogram | tr ' ' '\n' | sed -n "s/^$1=//p"; }
total() { word "$1" | tr ',' '\n' | awk '{ n += $1 } END { print n }'; }
same "off" "$(word enabled) $(total read)" "off 0"
check "on" message set histogram on
pattern /run/a 8 x
get /run/b $r 15000 64
put /run/a $r 15000 8
get /run/b $r 10200 8
refuse "a pending block" get /run/b $r 1000
[ "$(total read)" -ge 1 ] && [ "$(total write)" -ge 1 ] && [ "$(total remapped)" -ge 1 ] && [ "$(total slow)" -ge 1 ] ||
  fail "$(message histogram)"
same "buckets" "$(word read | tr ',' '\n' | wc -l)" "$(word buckets)"
check "reset" message histogram reset
same "nothing" "$(total read) $(total slow)" "0 0"
dmsetup table r | grep -q 'histogram on' || fail "not in the table line"
check "off" message set histogram off
get /run/b $r 15000 8
same "nothing" "$(total read)" 0
refuse "trailing words" message histogram now
check "remove" dmsetup remove r
