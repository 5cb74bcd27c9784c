# For the guest's scripts: dm-linear and targets with N remaps over one null_blk disk of 1 TiB that keeps nothing. Each
# target has a spare of its own, which keeps its metadata, but nothing on its slots: reading those is to cost what reading
# main does. Remaps are clusters spread over the disk, as bad areas are.
# shellcheck shell=sh
. /lib/vm.sh
load_remap
# disk NAME MIB KEEPS: a null_blk disk that completes at once
disk() { nullb "$1" "$2" 512 memory_backed="$3" irqmode=0 submit_queues="$(nproc)"; }

# spare N: /dev/mapper/spare_N, whose metadata is in the first and the last of it
spare() {
  end=$(($1 / 8192 + 2))
  slots=$(($1 / 256 + 2))
  disk "kept$1" $((2 * end)) 1
  dmsetup create "spare_$1" <<TABLE && dmsetup mknodes "spare_$1"
0 $((end * 2048)) linear /dev/kept$1 0
$((end * 2048)) $((slots * 2048)) linear /dev/main 0
$(((end + slots) * 2048)) $((end * 2048)) linear /dev/kept$1 $((end * 2048))
TABLE
}

# target N CLUSTERS: /dev/mapper/remap_N
target() {
  spare "$1" || fail "spare for $1 remaps"
  remap_create "remap_$1" /dev/main "/dev/mapper/spare_$1" block_size 8 || fail "create with $1 remaps"
  cluster=0
  while [ $cluster -lt "$2" ]; do
    dmsetup message "remap_$1" 0 remap $((cluster * (268435456 / $2) + 5000)) $(($1 / $2)) >/run/reply ||
      fail "remap: $(cat /run/reply)"
    cluster=$((cluster + 1))
  done
  [ "$(status "remap_$1" remaps)" = "$1" ] || fail "$1 remaps"
}

# reads DEVICE FIO_OPTION…: "<reads> <milliseconds>"
reads() {
  reads_of=$1
  shift
  fio --name=x --filename="$reads_of" --direct=1 --ioengine=libaio --iodepth=32 --norandommap --randrepeat=1 \
    --output-format=terse --terse-version=3 "$@" >/run/fio.out 2>&1 || fail "fio: $(cat /run/fio.out)"
  awk -F';' '$1 == 3 { print int($8 * $9 / 1000 + 0.5), $9 }' /run/fio.out
}

disk main 1048576 0
dmsetup create linear --table "0 $(sectors /dev/main) linear /dev/main 0" && dmsetup mknodes linear
