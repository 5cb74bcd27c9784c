#!/bin/sh
# A root file system all of whose blocks are on slots: main, ide0, holds only rubbish afterwards.
# vm: disk=ide1:32M memory=768 timeout=180
. /lib/vm.sh
. /lib/agent.sh
need_modules ata_piix sd_mod dm-mod
main=$(readlink -f /dev/disk/ide0) spare=$(readlink -f /dev/disk/ide1)
id_of() { remap-agent probe "$1" | sed -n '1s/.*(\(.*\))$/\1/p'; }

export agent_devices="[remap]
module = \"/lib/modules/dm-remap.ko\"
[[remap.device]]
name = \"root0\"
drive = \"$main\"
spare = \"$spare\""
agent_start 3600
wait_until 20 [ -e /dev/mapper/root0 ] || { cat /run/agent.log; fail "the agent does not set it up"; }
agent_stop
blocks=$(($(sectors "$main") / 8))
same "blocks moved" "$(dmsetup message root0 0 remap 0 $blocks)" "ok done=$blocks"
dmsetup remove root0
dd if=/dev/urandom of="$main" bs=1M 2>/dev/null
sync
echo "ids $(id_of "$main") $(id_of "$spare")"
