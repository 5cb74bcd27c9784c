#!/bin/sh
# Instructions for each of 20 000 reads, by a clock that counts them.
# vm: memory=1024 smp=1 timeout=3600 clock=instructions
# shellcheck disable=SC2046 # what reads() says are two words
. /lib/iopath.sh
target 0 0
target 2048 32

round=1
while [ $round -le 3 ]; do
  for device in linear remap_0 remap_2048; do
    set -- $(reads /dev/mapper/$device --rw=randread --bs=4k --number_ios=20000)
    echo "instructions $round $device $1 $2"
  done
  round=$((round + 1))
done
