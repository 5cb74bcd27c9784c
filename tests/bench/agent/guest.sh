#!/bin/sh
# 36 drives, read by the real agent through the kernel: 4 ATA disks (libatasmart, and smartctl for their logs) and 32 SAS
# disks (smartctl). The clock counts instructions, one a nanosecond, and so do the CPU times that the kernel tells.
# vm: disk=ide0:16M disk=ide1:16M disk=ide2:16M disk=ide3:16M memory=1024 smp=1 clock=instructions timeout=1500
# $agent and $agent_controller are between this and agent.sh.
# shellcheck disable=SC2034,SC2154

. /lib/vm.sh
. /lib/agent.sh
need_modules ata_piix sd_mod
modprobe scsi_debug dev_size_mb=8 num_tgts=32 || fail "no SAS disks"
disks() { set -- /sys/block/sd*; [ $# -eq 36 ]; }
wait_until 60 disks || fail "there are not 36 disks: $(echo /sys/block/sd*)"

port=7443
bench_counting_server /etc/remapfleet/tls $port >/run/server.log 2>&1 &
agent_controller="127.0.0.1:$port"

counted() { tail -n 1 /run/server.log | cut -d' ' -f"$1"; }
health_is() { [ "$(counted 3)" -ge "$1" ] 2>/dev/null; }
# Jiffies of 10 ms: the agent's own, and those of the programs that it ran.
cpu() { awk '{ sub(/.*\) /, ""); print $12 + $13 + $14 + $15 }' "/proc/$agent/stat"; }
own_cpu() { awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$agent/stat"; }
wire() { awk '$1 == "lo:" { print $2 }' /proc/net/dev; }
clock() { cut -d' ' -f1 /proc/uptime; }
memory() { awk -v key="$1:" '$1 == key { print $2 }' "/proc/$agent/status"; }
# sample NAME: what has been used up to now.
sample() { echo "sample $1 $(clock) $(cpu) $(own_cpu) $(wire) $(counted 2) $(counted 3)"; }

# nothing but heartbeats
agent_start 86400
wait_until 300 health_is 36 || fail "the first round: $(tail -n 1 /run/server.log) $(cat /run/agent.log)"
sleep 15
sample idle
sleep 120
sample idle
agent_stop >/run/agent.said

# rounds; the first one has whole logs
begin=$(counted 3)
agent_start 60
wait_until 300 health_is $((begin + 36)) || fail "no round: $(cat /run/agent.log)"
sleep 5
sample rounds
wait_until 900 health_is $((begin + 36 * 4)) || fail "no more rounds: $(cat /run/agent.log)"
sleep 5
sample rounds
for key in VmRSS RssAnon VmHWM Threads; do echo "memory $key $(memory $key)"; done
agent_stop >>/run/agent.said
cat /run/agent.said
