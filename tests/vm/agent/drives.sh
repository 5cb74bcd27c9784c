#!/bin/sh
# The running agent reads an ATA drive through libatasmart, an NVMe drive through libnvme and a SAS drive through
# smartctl, sees at once what changes, and drives that come and go while they work.
# vm: disk=ide0:64M disk=nvme0:64M memory=768 timeout=180
. /lib/vm.sh
. /lib/agent.sh
need_modules ata_piix sd_mod nvme
ide=$(basename "$(readlink -f /dev/disk/ide0)")
wait_until 10 [ -b /dev/nvme0n1 ] || fail "no NVMe drive"
sas=$(sas_disk) || fail "no SAS drive"

agent_start 3600
for drive in "$ide" nvme0n1 "$sas"; do
  check "$drive was read" wait_until 30 metric_above 0 last_success_timestamp_seconds "$drive"
done
check "the IDE disk's verdict" metric_is 1 smart_healthy "$ide"
check "the IDE disk's temperature" metric_above 10 temperature_celsius "$ide"
check "the NVMe drive's temperature" metric_is 50 temperature_celsius nvme0n1
check "the NVMe drive's warnings" metric_is 0 critical_warning nvme0n1
check "the SAS drive's verdict" metric_is 1 smart_healthy "$sas"
check "the SAS drive's temperature" metric_is 40 temperature_celsius "$sas"

# an unplugged drive is gone from what is shown, without waiting for the next round, and back when it is back
dd if="/dev/$sas" of=/dev/null bs=64k iflag=direct 2>/dev/null &
reader=$!
echo 1 >"/sys/block/$sas/device/delete"
check "a SAS drive that goes under load" wait_until 10 no_metric last_success_timestamp_seconds "$sas"
wait "$reader"
for host in /sys/class/scsi_host/host*; do echo "- - -" >"$host/scan"; done
wait_until 10 sas_disk_there >/run/sas || fail "no SAS drive again"
sas=$(sas_disk_there)
check "a SAS drive that comes" wait_until 20 metric_above 0 last_success_timestamp_seconds "$sas"

(while dd if=/dev/nvme0n1 of=/dev/null bs=64k iflag=direct 2>/dev/null; do :; done) &
reader=$!
host_qmp '{"execute":"device_del","arguments":{"id":"nvme0"}}'
check "an NVMe drive that goes under load" wait_until 20 no_metric last_success_timestamp_seconds nvme0n1
wait "$reader"
# refused until QEMU itself is done with the old one
plug_nvme() {
  host_qmp '{"execute":"device_add","arguments":{"driver":"nvme","id":"nvme9","drive":"disk-nvme0","serial":"other"}}'
  wait_until 5 [ -b /dev/nvme0n1 ]
}
for attempt in 1 2 3 4 5 6; do plug_nvme && break; done
[ -b /dev/nvme0n1 ] || fail "no other NVMe drive after $attempt attempts"
check "an NVMe drive that comes" wait_until 20 metric_above 0 last_success_timestamp_seconds nvme0n1
check "the IDE disk, all along" metric_is 1 smart_healthy "$ide"
agent_stop

# within one round
agent_start 2
check "the NVMe drive has no warning" wait_until 20 metric_is 0 critical_warning nvme0n1
host_qmp '{"execute":"qom-set","arguments":{"path":"/machine/peripheral/nvme9","property":"smart_critical_warning","value":4}}'
check "a critical warning" wait_until 10 metric_is 4 critical_warning nvme0n1
check "its verdict" metric_is 0 smart_healthy nvme0n1
agent_stop
