# Takes away what the plays installed for runner, exporters and logs; the hardening stays. Prints what it removed.
set -u
for unit in pointsman-log-agent.service pointsman-runner-exporter.service pointsman-disk-guard.timer actions-runner.service; do
    if [ -e "/etc/systemd/system/$unit" ]; then
        systemctl disable --now --quiet "$unit"
        rm -f "/etc/systemd/system/$unit"
        echo "$unit"
    fi
done
if [ -e /etc/systemd/system/prometheus-node-exporter.service.d/pointsman.conf ]; then
    systemctl disable --now --quiet prometheus-node-exporter.service
    rm -rf /etc/systemd/system/prometheus-node-exporter.service.d
    echo prometheus-node-exporter.service
fi
rm -f /etc/systemd/system/pointsman-disk-guard.service /opt/pointsman/disk-guard /opt/pointsman/promtail \
    /opt/pointsman/runner-exporter.pyz /opt/pointsman/runner-install /opt/pointsman/runner-configure \
    /opt/pointsman/runner-reload /opt/pointsman/runner-drain /etc/pointsman/promtail.yml /etc/pointsman/runner-exporter.json
rm -rf /var/lib/private/pointsman-log-agent /var/lib/pointsman-log-agent
systemctl daemon-reload
systemctl reset-failed actions-runner.service 2>/dev/null
exit 0
