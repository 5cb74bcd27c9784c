#!/usr/bin/env bash
# Virtual machines for the host side; sourced. Every machine lives in a directory of its own, here "$vm".

# Where modprobe and mkfs are, for those who are not root too.
PATH=$PATH:/usr/sbin:/sbin

# Where boot/ and lib/modules/ are taken from: a folder with another kernel, or the host's own.
VM_ROOT=${VM_ROOT:-}

# The newest kernel image: Debian 12's installed one that this user may read, or whichever VM_ROOT has.
vm_kernel() {
  local image kinds=(-name 'vmlinuz-6.1.0-*-amd64' ! -name '*cloud*' ! -name '*rt*')
  [[ -z $VM_ROOT ]] || kinds=(-name 'vmlinuz-*')
  image=$(find "$VM_ROOT/boot" "${kinds[@]}" | sort -V | tail -n 1)
  [[ -n $image ]] || { echo "no kernel image in $VM_ROOT/boot: run deploy/dependencies vm" >&2; return 1; }
  basename "${image#*vmlinuz-}"
}

# vm_add STAGE HOST_FILE GUEST_PATH: copies a file and, for a program, the libraries that it is linked with.
vm_add() {
  local stage=$1 file=$2 target=$3 library
  mkdir -p "$stage$(dirname "$target")"
  cp -L --remove-destination "$file" "$stage$target"
  [[ $(head -c 4 "$file" | tr -d '\0') == $'\x7fELF' && -x $file ]] || return 0
  { ldd "$file" 2>/dev/null || true; } | grep -oE '/[^ ]+' | while read -r library; do
    [[ -e $stage$library ]] || { mkdir -p "$stage$(dirname "$library")" && cp -L "$library" "$stage$library"; }
  done
}

# vm_overlay OUT HOST:GUEST…: an archive to be unpacked over the base one. Folders are copied whole.
vm_overlay() {
  local out=$1 stage=$1.stage pair
  shift
  rm -rf "$stage"
  mkdir -p "$stage"
  for pair in "$@"; do
    if [[ -d ${pair%%:*} ]]; then
      mkdir -p "$stage${pair#*:}" && cp -rL "${pair%%:*}/." "$stage${pair#*:}/"
    else
      vm_add "$stage" "${pair%%:*}" "${pair#*:}"
    fi
  done
  (cd "$stage" && find . -print0 | cpio --quiet -0 -o -H newc) >"$out"
  rm -rf "$stage"
}

# vm_disk VM NAME SIZE: an empty image, unless it exists.
vm_disk() { [[ -e $1/$2.img ]] || truncate -s "$3" "$1/$2.img"; }

# vm_start VM KERNEL INITRD COMMAND_LINE [QEMU_ARGUMENT…]: in the background; pid in VM/pid.
# IDE disks: every VM/ide*.img in order of name, as node "disk-<name>" whose errors reach the guest.
# virtio disks: every VM/vd*.img. NVMe disks: every VM/nvme*.img, as /dev/nvme0n1 and on.
vm_start() {
  local vm=$1 kernel=$2 initrd=$3 command_line=$4 image name disks=() names="" index=0 letter=({a..z})
  shift 4
  # Its options are lists with commas.
  [[ $vm != *,* ]] || { echo "QEMU takes no path with a comma: $vm" >&2; return 1; }
  for image in "$vm"/ide*.img; do
    [[ -e $image ]] || continue
    name=$(basename "$image" .img)
    # -drive gives the IDE disk its error policy; the node below it is swapped by fault_set.
    disks+=(-blockdev "driver=file,node-name=file-$name,filename=$image,cache.direct=off,locking=off"
      -blockdev "driver=raw,node-name=disk-$name,file=file-$name"
      -device "ide-hd,drive=disk-$name,bus=ide.$((index / 2)),unit=$((index % 2)),serial=$name,logical_block_size=512,physical_block_size=4096,rerror=report,werror=report")
    names+=${names:+,}sd${letter[index]}
    index=$((index + 1))
  done
  index=0
  for image in "$vm"/vd*.img; do
    [[ -e $image ]] || continue
    name=$(basename "$image" .img)
    disks+=(-blockdev "driver=file,node-name=file-$name,filename=$image,locking=off"
      -blockdev "driver=raw,node-name=disk-$name,file=file-$name"
      -device "virtio-blk-pci,drive=disk-$name,serial=$name")
    names+=${names:+,}vd${letter[index]}
    index=$((index + 1))
  done
  index=0
  for image in "$vm"/nvme*.img; do
    [[ -e $image ]] || continue
    name=$(basename "$image" .img)
    disks+=(-blockdev "driver=file,node-name=file-$name,filename=$image,locking=off"
      -blockdev "driver=raw,node-name=disk-$name,file=file-$name"
      -device "nvme,id=$name,drive=disk-$name,serial=$name")
    names+=${names:+,}nvme${index}n1
    index=$((index + 1))
  done
  rm -f "$vm"/{qmp,exec}.sock "$vm/serial.log"
  qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot -machine pc -cpu max -m "${VM_MEMORY:-512}" \
    -smp "${VM_CPUS:-2}" -accel "tcg,thread=${VM_THREADS:-multi}" -rtc base=utc -kernel "$kernel" -initrd "$initrd" \
    -append "console=ttyS0 quiet loglevel=6 panic=-1 oops=panic random.trust_cpu=on nokaslr mitigations=off no_timer_check vm.disks=$names $command_line" \
    -serial "file:$vm/console.log" "${VM_SERIAL[@]}" -qmp "unix:$vm/qmp.sock,server=on,wait=off" \
    "${disks[@]}" "$@" </dev/null >"$vm/qemu.log" 2>&1 &
  echo $! >"$vm/pid"
}

vm_alive() { kill -0 "$(cat "$1/pid")" 2>/dev/null; }

# vm_ready VM SECONDS: waits until the guest takes commands.
vm_ready() {
  local vm=$1 deadline=$((SECONDS + $2))
  until [[ -S $vm/exec.sock ]] && vm_exec "$vm" true 1 2>/dev/null; do
    vm_alive "$vm" || { echo "the virtual machine ended: $(tail -n 3 "$vm/qemu.log")" >&2; return 1; }
    [[ $SECONDS -lt $deadline ]] || { echo "the virtual machine did not start:" >&2; tail -n 40 "$vm/console.log" >&2; return 1; }
    sleep 0.2
  done
}

# vm_exec VM COMMAND [SECONDS]: runs a shell command in the guest; its output and exit status come back.
# One at a time; what should go on running must be put in the background with its output elsewhere.
vm_exec() {
  local vm=$1 command=$2 deadline=$((SECONDS + ${3:-120})) id=$RANDOM$RANDOM line text="" status=124 begun=false
  exec {lock}>"$vm/exec.lock"
  flock "$lock"
  coproc VM_SOCKET { exec socat - "UNIX-CONNECT:$vm/exec.sock" 2>/dev/null; }
  local socket=$VM_SOCKET_PID reader=${VM_SOCKET[0]}
  printf '%s %s\n' "$id" "$(base64 -w0 <<<"$command")" >&"${VM_SOCKET[1]}" || true
  while [[ $SECONDS -lt $deadline ]]; do
    # Half a second at a time: a machine that died says nothing more.
    IFS= read -r -t 0.5 line <&"$reader" || { [[ $? -gt 128 ]] && vm_alive "$vm" && continue || break; }
    case $line in
      "vm-begin $id") begun=true ;;
      "vm-end $id "*) status=${line##* }; break ;;
      *) if $begun; then text+=$line; fi ;;
    esac
  done 2>/dev/null
  base64 -di <<<"$text" 2>/dev/null || true
  kill "$socket" 2>/dev/null || true
  wait "$socket" 2>/dev/null || true
  exec {lock}>&-
  return "$status"
}

vm_kill() { kill -9 "$(cat "$1/pid")" 2>/dev/null || true; tail --pid="$(cat "$1/pid")" -f /dev/null; }

# vm_stop VM: orderly, or at once if it does not answer.
vm_stop() {
  vm_alive "$1" || return 0
  vm_exec "$1" 'sync; (sleep 0.2; poweroff -f) >/dev/null 2>&1 3>&- &' 10 >/dev/null 2>&1 || true
  timeout 10 tail --pid="$(cat "$1/pid")" -f /dev/null || vm_kill "$1"
}

# qmp VM JSON…: sends commands, fails with QEMU's words if one is refused.
qmp() {
  local vm=$1 reply
  shift
  reply=$(printf '%s\n' '{"execute":"qmp_capabilities"}' "$@" | socat -t 5 - "UNIX-CONNECT:$vm/qmp.sock")
  if grep -q '"error"' <<<"$reply"; then grep '"error"' <<<"$reply" >&2; return 1; fi
}

# fault_set VM IDE_DISK [KIND:SECTOR[+COUNT][xTIMES]…]: from now on exactly these sectors of the running disk fail.
# KIND is read, write or both; with xTIMES only that many requests fail, then the sector is well again.
fault_set() {
  local vm=$1 disk=$2 rule kind first count times sector rules="" n node
  shift 2
  for rule in "$@"; do
    kind=${rule%%:*} first=${rule#*:} count=1 times=0
    [[ $first == *x* ]] && times=${first#*x} first=${first%x*}
    [[ $first == *+* ]] && count=${first#*+} first=${first%+*}
    for ((sector = first; sector < first + count; sector++)); do
      for io in $([[ $kind == both ]] && echo read write || echo "$kind"); do
        for ((n = 0; n < (times > 0 ? times : 1); n++)); do
          rules+="${rules:+,}{\"event\":\"none\",\"iotype\":\"$io\",\"sector\":$sector,\"errno\":5"
          rules+=",\"once\":$([[ $times -gt 0 ]] && echo true || echo false)}"
        done
      done
    done
  done
  node=bad-$disk-$(date +%s%N)
  if [[ -n $rules ]]; then
    qmp "$vm" "{\"execute\":\"blockdev-add\",\"arguments\":{\"driver\":\"blkdebug\",\"node-name\":\"$node\",\"image\":\"file-$disk\",\"inject-error\":[$rules]}}" || return 1
  else
    node=file-$disk
  fi
  qmp "$vm" "{\"execute\":\"blockdev-reopen\",\"arguments\":{\"options\":[{\"driver\":\"raw\",\"node-name\":\"disk-$disk\",\"file\":\"$node\"}]}}"
}
