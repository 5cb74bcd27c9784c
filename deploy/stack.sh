#!/usr/bin/env bash
# The closed loop on one machine: a private PostgreSQL, the controller, and a storage node in a virtual machine.
# Sourced by deploy/quickstart and the end-to-end tests. Everything lives below "$stack".

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=deploy/vm/lib.sh
. "$root/deploy/vm/lib.sh"
bin=$root/build/release/bin
host_id="node-1"
drive_id=serial-QEMU_HARDDISK-ide0

free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    (: >"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
}

# stack_claim DIR: refuses a folder that holds something else, since what is in it will be deleted.
stack_claim() {
  if [[ -e $1/.remapfleet-stack || $1 == "$root"/build/* || ! -d $1 || -z $(ls -A "$1") ]]; then
    mkdir -p "$1"
    touch "$1/.remapfleet-stack"
    return
  fi
  echo "$1 holds something that is not ours and would be deleted: name a folder that is empty or new" >&2
  return 1
}

# stack_prepare DIR: fresh state, certificates kept. Leaves the configuration of both daemons behind.
stack_prepare() {
  stack=$1
  stack_claim "$stack" || return 1
  stack_down 2>/dev/null || true
  rm -rf "$stack"/{pg,node,*.log,*.toml,*.port}
  "$root/deploy/pki" "$stack/pki" ca
  "$root/deploy/pki" "$stack/pki" server localhost 127.0.0.1 10.0.2.2
  "$root/deploy/pki" "$stack/pki" host "$host_id"
  "$root/deploy/pki" "$stack/pki" operator admin
  controller_port=$(free_port) metrics_port=$(free_port) agent_metrics_port=$(free_port)
  cat >"$stack/controller.toml" <<TOML
listen = "127.0.0.1:$controller_port"

[database]
url = "$("$root/deploy/postgres-local" url "$stack/pg")"

[tls]
certificate = "$stack/pki/server.crt"
key = "$stack/pki/server.key"
ca = "$stack/pki/ca.crt"

[metrics]
listen = "127.0.0.1:$metrics_port"
TOML
  cat >"$stack/agent.toml" <<TOML
state_dir = "/var/lib/remapfleet/agent"

[controller]
address = "10.0.2.2:$controller_port"

[tls]
certificate = "/etc/remapfleet/tls/host-$host_id.crt"
key = "/etc/remapfleet/tls/host-$host_id.key"
ca = "/etc/remapfleet/tls/ca.crt"

[metrics]
listen = "0.0.0.0:9477"

[drives]
allow = ["/dev/sd*"]
health_interval_s = 30
smartctl = "/bin/smartctl"

[remap]
module = "/lib/modules/dm-remap.ko"

[[remap.device]]
name = "data0"
drive = "$drive_id"
spare = "serial-QEMU_HARDDISK-ide1"
TOML
}

# What remapctl needs to know, for people who look around afterwards too.
stack_environment() {
  cat <<ENV
export REMAPCTL_SERVER=127.0.0.1:$controller_port REMAPCTL_CA=$stack/pki/ca.crt
export REMAPCTL_CERT=$stack/pki/operator-admin.crt REMAPCTL_KEY=$stack/pki/operator-admin.key
ENV
}
ctl() {
  REMAPCTL_SERVER=127.0.0.1:$controller_port REMAPCTL_CA=$stack/pki/ca.crt REMAPCTL_CERT=$stack/pki/operator-admin.crt \
    REMAPCTL_KEY=$stack/pki/operator-admin.key "$bin/remapctl" "$@"
}

database_start() { "$root/deploy/postgres-local" start "$stack/pg" >/dev/null; }
sql() { psql -X -qAt "$("$root/deploy/postgres-local" url "$stack/pg")" -c "$1"; }

controller_start() {
  "$bin/remap-controller" --config "$stack/controller.toml" >>"$stack/controller.log" 2>&1 </dev/null &
  echo $! >"$stack/controller.pid"
}
controller_kill() { kill -9 "$(cat "$stack/controller.pid")"; tail --pid="$(cat "$stack/controller.pid")" -f /dev/null; }
controller_ready() { await 30 "the controller to answer" eval 'ctl --json status >/dev/null 2>&1' || { tail -n 20 "$stack/controller.log"; return 1; }; }

# The node: an IDE disk of 64 MiB whose sectors will fail, another for spare slots, the agent and the module.
node_start() {
  local version base
  version=$(vm_kernel)
  base=$("$root/deploy/vm/initramfs" "$root/build/vm" "$version") || return 1
  mkdir -p "$stack/node"
  vm_disk "$stack/node" ide0 64M
  vm_disk "$stack/node" ide1 16M
  mkdir -p "$stack/node/tls"
  cp "$stack/pki/ca.crt" "$stack"/pki/host-$host_id.{crt,key} "$stack/node/tls/"
  vm_overlay "$stack/node/overlay" "$bin/remap-agent:/bin/remap-agent" "$root/build/kmod/$version/dm-remap.ko:/lib/modules/dm-remap.ko" \
    "$stack/agent.toml:/etc/remapfleet/agent.toml" "$stack/node/tls:/etc/remapfleet/tls"
  cat "$base" "$stack/node/overlay" >"$stack/node/initrd"
  VM_SERIAL=(-serial "unix:$stack/node/exec.sock,server=on,wait=off") VM_MEMORY=1024
  vm_start "$stack/node" "/boot/vmlinuz-$version" "$stack/node/initrd" "vm.net=1" \
    -netdev "user,id=net0,restrict=off,hostfwd=tcp:127.0.0.1:$agent_metrics_port-10.0.2.15:9477" -device e1000,netdev=net0
  vm_ready "$stack/node" 90
  node_clock
}
# The kernel takes whole seconds from the machine's clock: set on the beginning of one, so that the times of both sides
# can be read side by side.
node_clock() {
  local now next
  now=$(date +%s%N)
  next=$((now / 1000000000 + 1))
  sleep "$(printf '0.%09d' $((next * 1000000000 - now - 1)))"
  node "date -s @$next" >/dev/null
}
node() { vm_exec "$stack/node" "$@"; }
node_fault() { fault_set "$stack/node" "$@"; }

agent_start() { node 'modprobe dm-mod; modprobe crc32c_generic 2>/dev/null; setsid remap-agent --config /etc/remapfleet/agent.toml >>/run/agent.log 2>&1 3>&- </dev/null & echo $! >/run/agent.pid'; }
agent_kill() { node 'kill -9 $(cat /run/agent.pid); while kill -0 $(cat /run/agent.pid) 2>/dev/null; do usleep 10000; done'; }
agent_log() { node 'cat /run/agent.log'; }

# await SECONDS WHAT COMMAND…: polls until the command succeeds; on failure says what did not come.
await() {
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    [[ $SECONDS -lt $deadline ]] || { echo "waited in vain for $what" >&2; return 1; }
    sleep 0.1
  done
}

# plans [JQ_FILTER]: all plans, as remapctl gives them.
plans() { ctl --json plan list | jq -r "${1:-.}"; }

# plan_for SECTOR STATE: ids of the plans in that state whose ranges hold the sector of the drive.
plan_for() {
  plans ".plans[] | select(.state == \"STATE_$2\") | select(any(.ranges[]; (.first_sector|tonumber) <= $1 and $1 < (.first_sector|tonumber) + (.sector_count|tonumber))) | .plan_id"
}

# stack_end PID_FILE SIGNAL: ends the process, if it is still the one of this stack: an old number may be anybody's.
stack_end() {
  local pid
  [[ -e $stack/$1 ]] || return 0
  pid=$(cat "$stack/$1")
  rm -f "$stack/$1"
  if tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF "$stack/"; then
    kill "-$2" "$pid" 2>/dev/null && tail --pid="$pid" -f /dev/null
  fi
}

stack_down() {
  stack_end node/pid KILL 2>/dev/null || true
  stack_end controller.pid TERM || true
  stack_end prometheus.pid TERM || true
  "$root/deploy/postgres-local" stop "$stack/pg" 2>/dev/null || true
}

# files_create: a file system on the remapped device with files of known content; their sums also on the host.
files_create() {
  node 'set -e
    mkfs.ext4 -q -b 4096 -E nodiscard,lazy_itable_init=0 /dev/mapper/data0
    modprobe ext4
    mount /dev/mapper/data0 /mnt
    mkdir /run/replica
    for i in 01 02 03 04 05 06 07 08 09 10 11 12 13 14 15 16; do dd if=/dev/urandom of=/run/replica/file$i bs=64k count=4 2>/dev/null; done
    cp /run/replica/* /mnt/; sync
    cd /mnt && sha256sum file*' 120 >"$stack/sha256sums" && [[ $(wc -l <"$stack/sha256sums") -eq 16 ]] ||
    { echo "the file system could not be made:"; cat "$stack/sha256sums"; node 'dmesg | tail -n 20'; return 1; }
}
# file_sector FILE KIB: sector of the drive that holds the byte at that offset of the file.
file_sector() {
  node "filefrag -e -b512 /mnt/$1" | awk -v want=$(($2 * 2)) '$1 ~ /^[0-9]+:$/ {
    gsub(/[.:]/, " "); if ($2 <= want && want <= $3) {print $4 + want - $2; exit}}'
}
# file_read FILE: reads it from the disk, not from memory, and compares with the sum of the host.
file_read() {
  local sum
  sum=$(node "dd if=/mnt/$1 bs=4k iflag=direct 2>/dev/null | sha256sum" | cut -d' ' -f1)
  grep -q "^$sum  $1\$" "$stack/sha256sums"
}
files_check() {
  local sums
  sums=$(node 'echo 3 >/proc/sys/vm/drop_caches; cd /mnt && sha256sum file*' 120) || return 1
  diff <(echo "$sums") "$stack/sha256sums"
}
