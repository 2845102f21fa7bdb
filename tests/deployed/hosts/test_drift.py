"""What was changed on a host by hand is shown by `harden --check` and mended by `harden`."""

from __future__ import annotations

from tests.deployed.fleet import PRIMARY, SECONDARY, Fleet

SSHD = "/etc/ssh/sshd_config.d/00-pointsman.conf"


def test_drift_is_shown_and_mended(fleet: Fleet) -> None:
    """A weaker sshd, a looser mode and a service that is off: the host, the file and the line are told, the other host
    is not; nothing is touched by the check, and the live host is right after the play."""
    fleet.shell(SECONDARY, f"sed -i 's/^PasswordAuthentication no/PasswordAuthentication yes/' {SSHD}")
    fleet.shell(SECONDARY, "chmod 0777 /etc/pointsman && systemctl disable --now fail2ban.service")
    done = fleet.pointsman("harden", "--check")
    assert done.code == 1, done.said
    assert f"≠ {SECONDARY}" in done.out
    assert f"✓ {PRIMARY}: as the inventory says" in done.out
    assert SSHD in done.out
    assert "-PasswordAuthentication yes" in done.out
    assert "+PasswordAuthentication no" in done.out
    assert "fail2ban.service" in done.out
    assert "PasswordAuthentication yes" in fleet.shell(SECONDARY, f"cat {SSHD}")
    code, hosts = fleet.harden(SECONDARY)
    assert (code, list(hosts)) == (0, [SECONDARY]), hosts
    assert hosts[SECONDARY]["changed"] > 0
    proof = fleet.prove(SECONDARY)
    assert not [check for check in proof.values() if check.remedy]
