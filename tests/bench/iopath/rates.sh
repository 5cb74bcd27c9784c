#!/bin/sh
# Rates of reads through dm-linear and through targets with remaps, in slices of a second, interleaved.
# vm: memory=1536 smp=2 timeout=3600
# shellcheck disable=SC2046 # what reads() says are two words
. /lib/iopath.sh
target 0 0
target 2048 32
target 65536 64

# A slice of each kind on $1, which says of which round it is.
slice() {
  device=$1 round=$2
  set -- $(reads /dev/mapper/$device --rw=randread --bs=4k --time_based --runtime=1)
  echo "rate randread $round $device $1 $2"
  # from the middle of the disk, shortly before a cluster, so that some are in the way
  set -- $(reads /dev/mapper/$device --rw=read --bs=128k --offset=524304m --time_based --runtime=1)
  echo "rate seqread $round $device $1 $2"
  set -- $(reads /dev/mapper/$device --rw=randread --bs=4k --time_based --runtime=1 --numjobs=2 --group_reporting)
  echo "rate randread2 $round $device $1 $2"
}

# Each device comes first once in a round: what slows the host down for seconds meets all of them alike.
round=1
while [ $round -le 5 ]; do
  for order in "linear remap_0 remap_2048 remap_65536" "remap_0 remap_2048 remap_65536 linear" \
    "remap_65536 linear remap_0 remap_2048" "remap_2048 remap_65536 linear remap_0"; do
    for device in $order; do slice "$device" $round; done
  done
  round=$((round + 1))
done
