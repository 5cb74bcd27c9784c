#!/bin/sh
# Instructions for each of 200 000 reads, by a clock that counts them: its milliseconds are 5 instructions each then.
# vm: memory=1024 smp=1 timeout=3600 clock=instructions
# shellcheck disable=SC2046 # what reads() says are two words
. /lib/iopath.sh
target 0 0
target 2048 32

round=1
while [ $round -le 2 ]; do
  for device in linear remap_0 remap_2048; do
    set -- $(reads /dev/mapper/$device --rw=randread --bs=4k --number_ios=200000)
    echo "instructions $round $device $1 $2"
  done
  round=$((round + 1))
done
