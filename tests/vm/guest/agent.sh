# For scripts that run remap-agent in the guest; sourced as /lib/agent.sh after /lib/vm.sh.
# shellcheck shell=sh

# agent_start INTERVAL: with health read every INTERVAL seconds, no controller to be found unless $agent_controller is
# set to its address, and what $agent_devices holds of the configuration.
agent_start() {
  ip link set lo up
  cat >/run/agent.toml <<END
state_dir = "/run/agent"
[controller]
address = "${agent_controller:-127.0.0.1:1}"
server_name = "localhost"
[tls]
certificate = "/etc/remapfleet/tls/host-vm.crt"
key = "/etc/remapfleet/tls/host-vm.key"
ca = "/etc/remapfleet/tls/ca.crt"
[drives]
allow = ["/dev/sd*", "/dev/nvme*"]
health_interval_s = $1
answer_timeout_s = 2
smartctl = "/bin/smartctl"
${agent_devices:-}
END
  remap-agent --config /run/agent.toml >>/run/agent.log 2>&1 &
  agent=$!
  wait_until 20 scrape || { cat /run/agent.log; fail "the agent does not answer"; }
}

# Ends it, and what it said comes to light.
agent_stop() {
  kill -TERM "$agent"
  wait "$agent" || fail "the agent ended with status $?: $(cat /run/agent.log)"
  cat /run/agent.log
}

scrape() { wget -q -O /run/metrics http://127.0.0.1:9477/metrics 2>/dev/null; }

# metric NAME DEVICE: its value now; nothing if there is none.
metric() { scrape && sed -n "s/^remapfleet_agent_$1{device=\"$2\"} //p" /run/metrics; }
metric_is() { [ "$(metric "$2" "$3")" = "$1" ]; }
no_metric() { [ -z "$(metric "$1" "$2")" ]; }
metric_above() { metric "$2" "$3" | awk -v low="$1" 'END { exit !(NR && $1 + 0 > low + 0) }'; }

# sas_disk: a disk of scsi_debug's, by its kernel name.
sas_disk() {
  modprobe scsi_debug dev_size_mb=32 removable=0 >&2 && wait_until 10 sas_disk_there >/dev/null && sas_disk_there
}
sas_disk_there() {
  for sas_model in /sys/block/sd*/device/model; do
    if grep -q scsi_debug "$sas_model" 2>/dev/null; then
      sas_name=${sas_model#/sys/block/}
      echo "${sas_name%%/*}"
      return 0
    fi
  done
  return 1
}
