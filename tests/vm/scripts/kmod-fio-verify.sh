#!/bin/sh
# fio verifies all it wrote while sectors go bad underneath.
# vm: memory=768 timeout=400
. /lib/vm.sh
load_remap
nullb main 64
nullb spare 32
check "create" remap_create r /dev/main /dev/spare block_size 8
r=/dev/mapper/r

# bs_unaligned sizes of 512: sub-block writes too; write errors only matter for writes that come later, so sectors go
# bad only where nothing has been written yet: ahead of a sequential writer
for bs in 4k 512 64k; do
  fio --name=w --filename=$r --rw=write --bs=$bs --size=8m --offset=8m --direct=1 --ioengine=libaio --iodepth=8 \
    --verify=crc32c --verify_fatal=1 --do_verify=1 --rate=1500k --output=/run/fio.log &
  load=$!
  i=0
  while kill -0 $load 2>/dev/null && [ $i -lt 60 ]; do
    nullb_bad main $((32768 - 1 - i * 37)) 1
    i=$((i + 1))
    usleep 20000
  done
  wait $load || { cat /run/fio.log; fail "fio bs=$bs"; }
  pass "fio bs=$bs, $i sectors went bad"
  nullb_good main 0 131072
  dmsetup message r 0 unmap 0 8192 | grep -q '^ok' || fail "unmap: $(dmesg | tail -n 3)"
done
[ "$(status r auto_remaps)" -gt 60 ] || fail "auto_remaps $(status r auto_remaps)"
same "nothing lost" "$(status r lost)" 0

# random writes over sectors that are bad from the start, mapped and unmapped mixed in one bio
i=0
while [ $i -lt 64 ]; do
  nullb_bad main $((i * 257)) 3
  i=$((i + 1))
done
check "randwrite" fio --name=rw --filename=$r --rw=randwrite --bsrange=4k-128k --bs_unaligned=0 --size=8m --direct=1 \
  --ioengine=libaio --iodepth=16 --verify=crc32c --verify_fatal=1 --output=/run/fio.log
[ "$(status r remaps)" -ge 64 ] || fail "remaps $(status r remaps)"
check "remove" dmsetup remove r
