#!/bin/sh
# Scrub and sample of a disk of 20 TB that does one request at a time, 4 ms each, as a disk with one arm does.
# vm: memory=1024 smp=2 timeout=900
. /lib/vm.sh
load_remap
nullb arm 20000000 4096 memory_backed=0 submit_queues=1 hw_queue_depth=1 irqmode=2 completion_nsec=4000000
nullb spare 16
remap_create r /dev/arm /dev/spare block_size 8 || fail "create"
r=/dev/mapper/r
scrub() { dmsetup message r 0 scrub "$@"; }
# terse FIELD FIO_OPTION…
terse() {
  terse_field=$1
  shift
  fio --name=x --direct=1 --ioengine=libaio --time_based --output-format=terse --terse-version=3 --percentile_list=50:99 "$@" \
    >/run/fio.out 2>&1 || fail "fio: $(cat /run/fio.out)"
  awk -F';' -v field="$terse_field" '$1 == 3 { print $field }' /run/fio.out
}
clock() { cut -d' ' -f1 /proc/uptime; }
p99() { terse 19 --filename=$r --rw=randread --bs=4k --rate_iops=40 --runtime=15 | sed 's/.*=//'; }

for _ in 1 2 3; do
  echo "raw $(terse 7 --filename=/dev/arm --rw=read --bs=256k --iodepth=4 --runtime=5)"
  scrub stop >/run/reply
  scrub start 0 >/run/reply
  begin=$(status r scrub_pos) since=$(clock)
  sleep 5
  end=$(status r scrub_pos) now=$(clock)
  scrub stop >/run/reply
  awk -v begin="$begin" -v end="$end" -v since="$since" -v now="$now" 'BEGIN { print "scrub", (end - begin) * 4 / (now - since) }'
  echo "alone $(p99)"
  scrub start >/run/reply
  begin=$(status r scrub_pos)
  echo "beside $(p99)"
  echo "meanwhile $(($(status r scrub_pos) - begin))"
  scrub stop >/run/reply
done
echo "sample $(scrub sample 3000)"
