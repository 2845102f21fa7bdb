set -eu
name={{ lockout_name | quote }}
kept=/var/lib/pointsman/undo/$name
systemctl stop "pointsman-undo-$name.timer" 2>/dev/null || true
systemctl reset-failed "pointsman-undo-$name.service" 2>/dev/null || true
rm -rf "$kept" && mkdir -p -m 0700 /var/lib/pointsman /var/lib/pointsman/undo "$kept"
{
  echo '#!/bin/sh'
{% for file in lockout_files | rejectattr('directory', 'defined') %}
  if [ -e {{ file.path | quote }} ]; then
    cp -a {{ file.path | quote }} "$kept/{{ loop.index }}"
    echo "cp -a $kept/{{ loop.index }} {{ file.path }}"
  else
    echo "rm -f {{ file.path }}"
  fi
{% endfor %}
  echo {{ lockout_undo | quote }}
} >"$kept/undo"
chmod 0700 "$kept/undo"
# The service of a transient timer can also be started by hand: that is the way back without waiting.
systemd-run --quiet --unit="pointsman-undo-$name" --property=Type=oneshot --on-active={{ lockout_seconds }}s "$kept/undo"
