# For scripts inside the guest; sourced as /lib/vm.sh. POSIX shell, busybox.
# shellcheck shell=sh

fail() { echo "FAIL: $*"; dmesg | tail -n 30; exit 1; }
pass() { echo "ok: $*"; }

# check WHAT COMMAND…: the command must succeed. refuse WHAT COMMAND…: it must fail.
check() { what=$1; shift; "$@" || fail "$what"; pass "$what"; }
refuse() { what=$1; shift; if "$@" >/run/refused 2>&1; then fail "not refused: $what"; fi; pass "refused: $what"; }
same() { [ "$2" = "$3" ] || fail "$1: expected '$3', got '$2'"; pass "$1"; }

# wait_until SECONDS COMMAND…: polls, since busybox has nothing to wait on a file with.
wait_until() {
  polls=$(($1 * 20)); shift
  while ! "$@"; do
    polls=$((polls - 1))
    [ "$polls" -gt 0 ] || return 1
    usleep 50000
  done
}

# The host kills the machine as soon as it reads this line (header "# vm: powercut=NAME").
marker() { echo "vm-marker $1"; sleep 60; fail "the power was not cut at $1"; }

need_modules() { for module in "$@"; do modprobe "$module" || fail "modprobe $module"; done; }
load_remap() { need_modules dm-mod; insmod /lib/modules/dm-remap.ko || fail "insmod dm-remap.ko"; }

# nullb NAME MIB [BLOCK_SIZE]: a memory-backed null_blk disk, /dev/NAME; its errors are set by nullb_bad and nullb_good.
nullb() {
  [ -d /sys/module/null_blk ] || modprobe null_blk nr_devices=0 || fail "modprobe null_blk"
  nullb_dir=/sys/kernel/config/nullb/$1
  mkdir -p "$nullb_dir"
  echo "$2" >"$nullb_dir/size"
  echo "${3:-512}" >"$nullb_dir/blocksize"
  echo 1 >"$nullb_dir/memory_backed"
  echo 1 >"$nullb_dir/cache_size" 2>/dev/null
  echo "+1000000000-1000000000" >"$nullb_dir/badblocks"
  echo 1 >"$nullb_dir/power"
  wait_until 5 [ -b "/dev/$(nullb_node "$1")" ] || fail "no node for null_blk $1"
  [ -b "/dev/$1" ] || ln -s "/dev/$(nullb_node "$1")" "/dev/$1"
}
nullb_node() { [ -e "/sys/block/$1" ] && echo "$1" || echo "nullb$(cat "/sys/kernel/config/nullb/$1/index")"; }
nullb_bad() { echo "+$2-$(($2 + ${3:-1} - 1))" >"/sys/kernel/config/nullb/$1/badblocks"; }
nullb_good() { echo "-$2-$(($2 + ${3:-1} - 1))" >"/sys/kernel/config/nullb/$1/badblocks"; }

sectors() { blockdev --getsz "$1"; }

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
