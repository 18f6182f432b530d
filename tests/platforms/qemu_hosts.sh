#!/bin/bash
# Two hosts on one machine, "a" and "b", each with a libvirtd of its own that runs QEMU, in FOLDER/a and FOLDER/b.
# What daemons would share is each one's own. It wants namespaces for itself, and takes all with it:
#     unshare --net --pid --fork --kill-child --mount --mount-proc bash qemu_hosts.sh FOLDER
set -eu
export folder=$1 drivers=/usr/lib/*/libvirt/connection-driver

ip link set lo up
ip address add 192.0.2.1/32 dev lo  # a migration is sent to no address of the loopback's
for file in passwd group; do        # libvirt looks for a user whom another package brings
    { cat /etc/$file; echo "libvirt-qemu:x:64055:$([ $file = group ] || echo 64055::/:/bin/false)"; } >"$folder/$file"
    mount --bind "$folder/$file" /etc/$file
done

host() {
    own=$folder/$1
    hostname "$1"
    for path in /etc/libvirt /var/lib/libvirt /var/cache/libvirt /var/log/libvirt /run/libvirt; do
        mkdir -p "$own/root$path" $path
        mount --bind "$own/root$path" $path
    done
    mkdir "$own/drivers"
    cp $drivers/libvirt_driver_qemu.so "$own/drivers"
    cat >/etc/libvirt/qemu.conf <<END
security_driver = "none"
user = "root"
group = "root"
dynamic_ownership = 0
cgroup_controllers = []
namespaces = []
stdio_handler = "file"
migration_host = "192.0.2.1"
END
    cat >"$own/libvirtd.conf" <<END
unix_sock_dir = "$own"
auth_unix_rw = "none"
auth_unix_ro = "none"
host_uuid = "11111111-2222-4333-8444-55555555555$1"
END
    LIBVIRT_DRIVER_DIR=$own/drivers exec libvirtd -f "$own/libvirtd.conf" -p "$own/pid"
}
export -f host

for name in a b; do
    mkdir -p "$folder/$name"
    unshare --uts --mount bash -euc "host $name" 2>"$folder/$name/log" &
done
wait
