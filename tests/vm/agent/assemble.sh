#!/bin/sh
# What the agent has set up comes up again without it, and without its state folder; never formatted anew.
# vm: disk=ide0:64M disk=ide1:32M memory=768 timeout=180
. /lib/vm.sh
. /lib/agent.sh
need_modules ata_piix sd_mod dm-mod crc32c_generic ext4
main=$(readlink -f /dev/disk/ide0) spare=$(readlink -f /dev/disk/ide1)
id_of() { remap-agent probe "$1" | sed -n '1s/.*(\(.*\))$/\1/p'; }

mkfs.ext4 -q "$main" 16M && mount "$main" /mnt && echo precious >/mnt/file && umount /mnt || fail "mkfs"
export agent_devices="[remap]
module = \"/lib/modules/dm-remap.ko\"
[[remap.device]]
name = \"data0\"
drive = \"$main\"
spare = \"$spare\""
agent_start 3600
wait_until 20 [ -e /dev/mapper/data0 ] || { cat /run/agent.log; fail "the agent does not set it up"; }
check "while the agent runs, it is the one" remap-agent --config /run/agent.toml assemble
agent_stop
dmsetup message data0 0 remap 1000 3 >/dev/null || fail "remap"
remaps() { dmsetup status data0 | grep -o ' remaps=[0-9]*'; }
same "blocks on slots" "$(remaps)" " remaps=3"
dmsetup remove data0

check "assemble" remap-agent --config /run/agent.toml assemble
same "blocks on slots after it" "$(remaps)" " remaps=3"
check "once more changes nothing" remap-agent --config /run/agent.toml assemble
check "mount" mount -o ro /dev/mapper/data0 /mnt
same "the file" "$(cat /mnt/file)" precious
check "unmount" umount /mnt

# udev is told to hide a disk that was adopted in place
remap-agent --config /run/agent.toml udev "$main" >/run/main
same "the main disk" "$(tr '\n' ' ' </run/main)" "REMAPFLEET_DEVICE=data0 REMAPFLEET_ROLE=main REMAPFLEET_HIDE=1 "
remap-agent --config /run/agent.toml udev "$spare" >/run/spare
same "the spare" "$(tr '\n' ' ' </run/spare)" "REMAPFLEET_DEVICE=data0 REMAPFLEET_ROLE=spare "

# without the state folder, places say nothing
dmsetup remove data0
mv /run/agent /run/away
check "waits" remap-agent --config /run/agent.toml assemble
refuse "is up" dmsetup info data0
check "nothing was made where a file system will be mounted" [ ! -e /run/agent ]
sed -i "s|^drive = .*|drive = \"$(id_of "$main")\"|;s|^spare = .*|spare = \"$(id_of "$spare")\"|" /run/agent.toml
check "by their ids" remap-agent --config /run/agent.toml assemble
same "blocks on slots by ids" "$(remaps)" " remaps=3"
dmsetup remove data0

# a spare that lost its mappings: the disk would read as what it was before
mv /run/away /run/agent
dd if=/dev/zero of="$spare" bs=1M count=32 2>/dev/null
if remap-agent --config /run/agent.toml assemble 2>/run/refused; then fail "brought up with a blank spare"; fi
check "says why" grep -q "lost its mappings" /run/refused
refuse "is up with a blank spare" dmsetup info data0
same "the spare is as blank as before" "$(tr -d '\0' <"$spare" | wc -c)" 0
