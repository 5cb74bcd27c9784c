# For scripts inside the guest; sourced as /lib/vm.sh. POSIX shell, busybox.
# shellcheck shell=sh

fail() { echo "FAIL: $*"; dmesg | tail -n 30; exit 1; }
pass() { echo "ok: $*"; }

# check WHAT COMMAND…: the command must succeed. refuse WHAT COMMAND…: it must fail.
check() { what=$1; shift; "$@" || fail "$what"; pass "$what"; }
refuse() { what=$1; shift; if "$@" >/run/refused 2>&1; then fail "not refused: $what"; fi; pass "refused: $what"; }
same() { [ "$2" = "$3" ] || fail "$1: expected '$3', got '$2'"; pass "$1"; }

# wait_until SECONDS COMMAND…: polls, since busybox has nothing to wait on a file with. A kernel that is slower has longer.
wait_until() {
  polls=$(($1 * 20 * ${VM_SLOWER:-1})); shift
  while ! "$@"; do
    polls=$((polls - 1))
    [ "$polls" -gt 0 ] || return 1
    usleep 50000
  done
}

# The host kills the machine as soon as it reads this line (header "# vm: powercut=NAME").
marker() { echo "vm-marker $1"; sleep 60; fail "the power was not cut at $1"; }

# host_faults DISK KIND:SECTOR[+COUNT]…: the host lets exactly these sectors of an IDE disk fail from now on. KIND is read,
# write or both; the last one must fail in reading, since that is how it is seen that it is done.
host_faults() {
  echo "vm-fault $* ."
  host_disk=/dev/disk/$1
  for host_last in "$@"; do :; done
  host_last=${host_last#*:}
  wait_until 60 unreadable "$host_disk" "${host_last%+*}" || fail "the host has not set the faults"
}
# host_qmp JSON: the host gives QEMU a command; wait for what it does.
host_qmp() { echo "vm-qmp $* ."; }
unreadable() { ! get /run/unreadable "$1" $(($2 / 8)); }

need_modules() { for module in "$@"; do modprobe "$module" || fail "modprobe $module"; done; }
load_remap() { need_modules dm-mod; insmod /lib/modules/dm-remap.ko || fail "insmod dm-remap.ko"; }

# nullb NAME MIB [BLOCK_SIZE [ATTRIBUTE=VALUE…]]: a memory-backed null_blk disk, /dev/NAME.
nullb() {
  if [ ! -d /sys/kernel/config/nullb ]; then
    modprobe null_blk nr_devices=0 || fail "modprobe null_blk"
    [ -d /sys/kernel/config/nullb ] || mount -t configfs config /sys/kernel/config || fail "no configfs"
  fi
  nullb_dir=/sys/kernel/config/nullb/$1
  mkdir "$nullb_dir" || fail "null_blk $1"
  echo "$2" >"$nullb_dir/size"
  echo "${3:-512}" >"$nullb_dir/blocksize"
  echo 1 >"$nullb_dir/memory_backed"
  nullb_name=$1
  shift $(($# < 3 ? $# : 3))
  for pair in "$@"; do echo "${pair#*=}" >"$nullb_dir/${pair%%=*}" || fail "null_blk $nullb_name: $pair"; done
  echo 1 >"$nullb_dir/power"
  wait_until 5 [ -b "/dev/$nullb_name" ] || fail "no node for null_blk $nullb_name"
}
# nullb_bad NAME SECTOR [COUNT] and nullb_good. By 512 sectors: the kernel's list gets out of order with more at once.
nullb_bad() { nullb_mark "$1" + "$2" "${3:-1}"; }
nullb_good() { nullb_mark "$1" - "$2" "${3:-1}"; }
nullb_mark() {
  mark_at=$3 mark_end=$(($3 + $4))
  while [ "$mark_at" -lt "$mark_end" ]; do
    mark_last=$((mark_at + 511 < mark_end ? mark_at + 511 : mark_end - 1))
    echo "$2$mark_at-$mark_last" >"/sys/kernel/config/nullb/$1/badblocks"
    mark_at=$((mark_last + 1))
  done
}

sectors() { blockdev --getsz "$1"; }

# fio_worsen NAME FIRST SECTORS BYTES WORSEN: fio writes sectors of a target in their order, so many bytes at a time, and
# verifies them all. When it pauses it is held, and WORSEN called with the first sector not written yet.
fio_worsen() {
  fio_disk=/sys/block/dm-$(dmsetup info -c --noheadings -o minor "$1")
  fio_base=$(($(written) - $2)) fio_last=$(($2 + $3 * 3 / 4)) fio_step=$(($3 / 8)) fio_steps=0
  fio --name=w --filename="/dev/mapper/$1" --thread --rw=write --bs="$4" --offset=$(($2 * 512)) --size=$(($3 * 512)) --direct=1 \
    --thinktime=$((500000 * ${VM_SLOWER:-1})) --thinktime_blocks=$((fio_step * 512 / $4)) --ioengine=libaio --iodepth=8 \
    --verify=crc32c --verify_fatal=1 --do_verify=1 --eta=never --output=/run/fio.log &
  fio_load=$!
  fio_at=$2
  while [ "$fio_at" -lt "$fio_last" ] && ! ended $fio_load; do
    wait_until 60 written_to $((fio_at + fio_step)) || fail "fio stands still at $fio_at"
    kill -STOP $fio_load
    wait_until 60 no_io || fail "I/O does not end"
    fio_at=$(($(written) - fio_base))
    if [ "$fio_at" -lt "$fio_last" ] && ! ended $fio_load; then
      "$5" "$fio_at"
      fio_steps=$((fio_steps + 1))
    fi
    kill -CONT $fio_load
  done
  wait $fio_load || { cat /run/fio.log; fail "fio with blocks of $4"; }
  [ "$fio_steps" -ge 3 ] || fail "sectors went bad $fio_steps times only"
  pass "fio with blocks of $4, sectors went bad $fio_steps times"
}
written() { awk '{ print $7 }' "$fio_disk/stat"; }
written_to() { [ $(($(written) - fio_base)) -ge "$1" ] || ended $fio_load; }
no_io() { grep -q '^ *0 *0$' "$fio_disk/inflight"; }
ended() { grep -q '^State:.*Z' "/proc/$1/status"; }

# put_sector DEVICE SECTOR BYTE and is_sector DEVICE SECTOR BYTE: one sector, past the page cache, which dd cannot.
one_sector() { fio --name=x --filename="$1" --direct=1 --bs=512 --size=512 --offset=$(($2 * 512)) --output=/run/fio.log "$3" "$4" $5; }
put_sector() { one_sector "$1" "$2" --rw=write "--buffer_pattern=$3"; }
is_sector() { one_sector "$1" "$2" --rw=read --verify=pattern "--verify_pattern=$3"; }

# scsi_debug_disks COUNT PARAMETER…: loads scsi_debug and sets $disks, in order of their names.
scsi_debug_disks() {
  scsi_debug_count=$1
  shift
  need_modules sd_mod
  modprobe scsi_debug "$@" || fail "modprobe scsi_debug"
  wait_until 20 find_scsi_debug || fail "no $scsi_debug_count scsi_debug disks: $disks"
}
find_scsi_debug() {
  disks=""
  for d in /sys/block/sd*; do
    if grep -q scsi_debug "$d/device/model" 2>/dev/null && [ -b "/dev/${d##*/}" ]; then disks="$disks${disks:+ }/dev/${d##*/}"; fi
  done
  [ "$(echo "$disks" | wc -w)" = "$scsi_debug_count" ]
}

# flushes DISK: how many flush requests it has completed.
flushes() { awk '{ print $16 }' "/sys/block/$1/stat"; }

# super_set SPARE OFFSET VALUE: sets a 32-bit field of every valid superblock on the spare, with a right checksum.
super_set() {
  super_last=$(($(sectors "$1") - 16))
  for at in 0 8 $super_last $((super_last + 8)); do
    dd if="$1" of=/run/super bs=512 skip="$at" count=1 2>/dev/null
    [ "$(head -c 8 /run/super)" = RMAPSB01 ] || continue
    { head -c "$2" /run/super; le32 "$3"; tail -c +$(($2 + 5)) /run/super; } >/run/super.new
    { head -c 8 /run/super.new; le32 0; tail -c +13 /run/super.new; } >/run/super.zero
    { head -c 8 /run/super.new; le32 "$(crc32c /run/super.zero)"; tail -c +13 /run/super.new; } >/run/super
    dd if=/run/super of="$1" bs=512 seek="$at" count=1 conv=notrunc,fsync 2>/dev/null
  done
}
le32() { printf "\\$(printf %03o $(($1 & 255)))\\$(printf %03o $(($1 >> 8 & 255)))\\$(printf %03o $(($1 >> 16 & 255)))\\$(printf %03o $(($1 >> 24 & 255)))"; }
crc32c() {
  crc=4294967295
  for byte in $(od -An -v -tu1 "$1"); do
    crc=$((crc ^ byte))
    for _ in 0 1 2 3 4 5 6 7; do crc=$((crc >> 1 ^ (crc & 1 ? 2197175160 : 0))); done
  done
  echo $((crc ^ 4294967295))
}

# remap_create NAME MAIN SPARE [FEATURE VALUE…]: a target over the whole of main with the whole of spare.
remap_create() {
  remap_name=$1 remap_main=$2 remap_spare=$3
  shift 3
  dmsetup create "$remap_name" --table \
    "0 $(sectors "$remap_main") remap 1 $remap_main 0 1 $remap_spare 0 $(sectors "$remap_spare") $# $*" &&
    dmsetup mknodes "$remap_name"
}

# status NAME KEY: one value of the status line; the mode for key "mode".
status() {
  status_line=$(dmsetup status "$1" | cut -d' ' -f4-)
  if [ "$2" = mode ]; then echo "$status_line" | cut -d' ' -f2; return; fi
  echo "$status_line" | tr ' ' '\n' | sed -n "s/^$2=//p"
}

# pattern FILE BLOCKS SEED: 4 KiB blocks, each different from all others and told by SEED.
pattern() {
  block=0
  : >"$1"
  while [ "$block" -lt "$2" ]; do
    yes "$3-$block" | head -c 4096 >>"$1"
    block=$((block + 1))
  done
}

# put FILE DEVICE BLOCK [COUNT] and get FILE DEVICE BLOCK [COUNT]: direct I/O in 4 KiB blocks.
put() { dd if="$1" of="$2" bs=4096 seek="$3" count="${4:-1}" oflag=direct conv=notrunc 2>/run/dd.log; }
get() { dd if="$2" of="$1" bs=4096 skip="$3" count="${4:-1}" iflag=direct 2>/run/dd.log; }
