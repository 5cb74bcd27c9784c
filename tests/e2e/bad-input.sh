#!/usr/bin/env bash
# Bad input gets a clear error and changes nothing: configuration, certificates, a spare that is not what was named, a
# database of a newer version.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=deploy/stack.sh
. "$root/deploy/stack.sh"
stack_prepare "$root/build/e2e-bad-input"
trap 'status=$?; stack_down; exit $status' EXIT

# refuse STATUS PATTERN COMMAND…: fails with that status and says so.
refuse() {
  local want=$1 pattern=$2 got=0
  shift 2
  timeout 30 "$@" >"$stack/out" 2>&1 || got=$?
  if [[ $got -ne $want ]] || ! grep -qE "$pattern" "$stack/out"; then
    echo "FAIL: $*: status $got (expected $want), expected /$pattern/ in:"
    cat "$stack/out"
    exit 1
  fi
  echo "ok: $pattern"
}

sed 's/^listen/lisen/' "$stack/controller.toml" >"$stack/typo.toml"
refuse 2 'typo.toml:1:1: unknown key lisen' "$bin/remap-controller" --config "$stack/typo.toml" --check-config
sed '/^url/d' "$stack/controller.toml" >"$stack/nodb.toml"
refuse 2 'deploy/postgres-local start' "$bin/remap-controller" --config "$stack/nodb.toml"
sed 's/^health_interval_s = 30/health_interval_s = "often"/' "$stack/agent.toml" >"$stack/typo.toml"
refuse 2 'typo.toml:[0-9]+:[0-9]+: drives.health_interval_s must be a whole number' "$bin/remap-agent" --config "$stack/typo.toml" --check-config
sed "s#server.key#ca.key#" "$stack/controller.toml" >"$stack/key.toml"
refuse 1 'ca.key is not the key of' "$bin/remap-controller" --config "$stack/key.toml"
refuse 2 'no TLS file' env -i "$bin/remapctl" status

database_start
controller_start
controller_ready
as_host() { REMAPCTL_CERT=$stack/pki/host-$host_id.crt REMAPCTL_KEY=$stack/pki/host-$host_id.key REMAPCTL_CA=$stack/pki/ca.crt \
  REMAPCTL_SERVER=127.0.0.1:$controller_port "$bin/remapctl" "$@"; }
export -f as_host
export -f ctl
export stack host_id bin controller_port root
refuse 4 "host's certificate" bash -c 'as_host status'
refuse 3 'no drive' bash -c 'ctl plan create --drive none --range 1 --reason x --yes'
refuse 2 'is not a range' bash -c 'ctl plan create --drive none --range x --reason x --yes'

kill "$(cat "$stack/controller.pid")"
tail --pid="$(cat "$stack/controller.pid")" -f /dev/null
sql "insert into schema_version (version, name, sha256) values (9999, 'future', 'x')"
refuse 1 'database has schema version 9999' "$bin/remap-controller" --config "$stack/controller.toml"

# A spare that holds somebody's data is not taken, and stays as it is.
truncate -s 16M "$stack/foreign.img"
mkfs.ext4 -q "$stack/foreign.img"
mkdir -p "$stack/node"
cp "$stack/foreign.img" "$stack/node/ide1.img"
node_start
agent_start
refused() { agent_log | grep -q 'holds ext4 at sector 0'; }
await 30 "the agent to refuse the spare" refused || { agent_log; exit 1; }
node 'dmsetup status data0' >/dev/null 2>&1 && { echo "FAIL: the device was made all the same"; exit 1; }
vm_stop "$stack/node"
cmp "$stack/foreign.img" "$stack/node/ide1.img" || { echo "FAIL: the spare was written to"; exit 1; }
echo "ok: a foreign spare is refused and untouched"
