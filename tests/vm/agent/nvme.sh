#!/bin/sh
# The agent reads an NVMe drive's logs through libnvme: as QEMU's drive gives them.
# vm: disk=nvme0:64M memory=512 timeout=120
. /lib/vm.sh
modprobe nvme || fail "modprobe nvme"
wait_until 10 [ -b /dev/nvme0n1 ] || fail "no NVMe drive"

remap-agent probe /dev/nvme0n1 --json >/run/health || fail "probe: status $?"
cat /run/health
has() { check "$1" grep -q "$1" /run/health; }
has '"protocol": "PROTOCOL_NVME"'
has '"serial": "nvme0"'
has '"model": "QEMU NVMe Ctrl"'
has '"size_bytes": "67108864"'
has '"smart_passed": true'
has '"critical_warning": 0'
has '"temperature_celsius": 50'
has "\"available_spare_percent\": 0" # QEMU's has none
has '"media_errors": "0"'
has '"error_log_entries": "0"'
refuse "problems" grep -q '"problems"' /run/health

# an error of a command, as the drive has logged it, is none of the medium
dd if=/dev/nvme0n1 of=/dev/null bs=4k count=1 iflag=direct 2>/dev/null || fail "read"
smartctl -a /dev/nvme0n1 >/run/smartctl 2>&1
hours=$(sed -n 's/^Power On Hours: *//p' /run/smartctl)
has "\"power_on_hours\": \"$hours\""
