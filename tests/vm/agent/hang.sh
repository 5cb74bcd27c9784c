#!/bin/sh
# A drive that does not answer delays no other, is said not to answer, and is read again once it does.
# vm: disk=ide0:64M disk=nvme0:64M memory=768 timeout=240
. /lib/vm.sh
. /lib/agent.sh
need_modules ata_piix sd_mod nvme
ide=$(basename "$(readlink -f /dev/disk/ide0)")
wait_until 10 [ -b /dev/nvme0n1 ] || fail "no NVMe drive"
sas=$(sas_disk) || fail "no SAS drive"
agent_start 2
check "the SAS drive was read" wait_until 30 metric_above 0 last_success_timestamp_seconds "$sas"

# from now on the SAS drive's commands are swallowed
echo 4 >/sys/bus/pseudo/drivers/scsi_debug/opts
echo 1 >/sys/bus/pseudo/drivers/scsi_debug/every_nth
check "it is said" wait_until 40 grep -q "/dev/$sas: it has not answered" /run/agent.log
frozen=$(metric last_success_timestamp_seconds "$sas")
for drive in "$ide" nvme0n1; do
  now=$(metric last_success_timestamp_seconds "$drive")
  check "$drive is read on" wait_until 10 metric_above "$now" last_success_timestamp_seconds "$drive"
  now=$(metric last_success_timestamp_seconds "$drive")
  check "$drive is read on and on" wait_until 10 metric_above "$now" last_success_timestamp_seconds "$drive"
done
same "what is known of the SAS drive stays what it was" "$(metric last_success_timestamp_seconds "$sas")" "$frozen"

echo 0 >/sys/bus/pseudo/drivers/scsi_debug/every_nth
echo 0 >/sys/bus/pseudo/drivers/scsi_debug/opts
check "it is read again" wait_until 120 metric_above "$frozen" last_success_timestamp_seconds "$sas"
agent_stop
