#!/bin/sh
# Runs once inside the new tree, after the files of this folder were laid into it.
set -eu

# The operator's account: logs in with a key alone. "*" is no password, and no lock that PAM would refuse.
useradd --uid 1000 --user-group --create-home --shell /bin/bash pointsman
usermod --password '*' pointsman
passwd --lock root >/dev/null
chown 0:0 /etc/sudoers.d/pointsman
chmod 0440 /etc/sudoers.d/pointsman
visudo -cq
mkdir -p /etc/modprobe.d /etc/nftables.d /srv/runner

# Identity is given at first boot: no two hosts have the same.
rm -f /etc/ssh/ssh_host_*
: >/etc/machine-id
mkdir -p /var/lib/dbus
ln -sf /etc/machine-id /var/lib/dbus/machine-id

systemctl set-default multi-user.target
systemctl enable pointsman-net-sysctl.service pointsman-first-boot.service ssh.service
# The plays decide about these; a host that updates itself at first boot is not the same host for long.
systemctl disable apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer e2scrub_reap.service fail2ban.service \
    fstrim.timer nftables.service prometheus-node-exporter.service unattended-upgrades.service
# There is no console, and no device of its own.
systemctl mask console-getty.service getty@.service systemd-udevd.service systemd-udev-trigger.service \
    systemd-udevd-control.socket systemd-udevd-kernel.socket

apt-get clean
rm -rf /var/lib/apt/lists/* /var/log/bootstrap.log /var/log/alternatives.log /var/log/dpkg.log /var/log/apt
