"""What a user does wrong: told at once and in full, with the right exit code, and without harm to what runs."""

from __future__ import annotations

import os
import socket

import pytest

from tests.deployed.estate import Estate
from tests.deployed.variants import locked_to, program, untag

TEN_MISTAKES = """\
images: {source: nowhere}
network: {bind: everywhere}
ports: {prometheus: 0, loki: 70000, kibana: 3000}
container_logs: {max_size: 10, max_files: 0}
prometheus:
  scrape_interval: soon
  retention: {time: -1d}
loki: {retention: 1h}
"""
PLACES = (
    "images.source",
    "network.bind",
    "ports.prometheus",
    "ports.loki",
    "ports.kibana",
    "container_logs.max_size",
    "container_logs.max_files",
    "prometheus.scrape_interval",
    "prometheus.retention.time",
    "loki.retention",
)


def test_a_taken_port(estate: Estate) -> None:
    """Exit 1; who holds the port is named by process id; nothing was touched."""
    before, own = estate.ids(), estate.spec["ports"]["prometheus"]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        estate.edit("ports", prometheus=port)
        refused = estate.clone.pointsman("up", "--env", estate.name)
        estate.edit("ports", prometheus=own)
    assert refused.code == 1
    said = " ".join(refused.said.split())
    assert f"port {port} (prometheus)" in said
    assert f"pid {os.getpid()}" in said
    assert f"set ports.prometheus in stacks/{estate.name}.yaml" in said
    assert "nothing was touched" in said
    assert estate.ids() == before


def test_a_wrong_passphrase(estate: Estate) -> None:
    """Exit 1 with the cause and what to do; with the right one back, the state is as it was."""
    before, path = estate.ids(), estate.clone.state / "passphrase"
    right = path.read_text()
    path.write_text("not the passphrase\n")
    try:
        refused = estate.clone.pointsman("up", "--env", estate.name)
    finally:
        path.write_text(right)
    assert refused.code == 1
    assert "was encrypted with another passphrase" in refused.said
    assert "put the right passphrase file back" in refused.said
    assert "Traceback" not in refused.said
    assert right.strip() not in refused.said
    assert estate.ids() == before
    # Read with the right one again.
    assert estate.inputs("node-exporter")


def test_a_lost_passphrase(estate: Estate) -> None:
    """Exit 1 before anything is touched; no new passphrase is made up beside a state that another one encrypts."""
    path = estate.clone.state / "passphrase"
    away = path.rename(path.with_name("away"))
    try:
        refused = estate.clone.pointsman("up", "--env", estate.name)
        assert not path.exists()
    finally:
        away.rename(path)
    assert refused.code == 1
    assert "put it back from your backup" in " ".join(refused.said.split())


def test_a_service_that_dies_at_start(estate: Estate) -> None:
    """Its last lines are shown long before any time-out; the next run, with the good image, converges."""
    before = estate.ids()
    wrong = program(estate, "prometheus", "promtool")
    with locked_to(estate, "node-exporter", name="dying", path="/bin/node_exporter", content=wrong):
        refused = estate.pulumi("up", "--yes", "--skip-preview")
    assert refused.code != 0
    assert "unknown long flag" in refused.said
    assert "Traceback" not in refused.said
    assert "is not ready after" not in refused.said
    assert {name for _, name in estate.pulumi_up()} == {"node-exporter", "node-exporter-ready"}
    assert estate.get("node-exporter", "/metrics").is_success
    after = estate.ids()
    assert {service for service in after if after[service] != before[service]} == {"node-exporter"}
    untag(estate, "dying")


def test_ten_mistakes_are_ten_lines(estate: Estate) -> None:
    """Exit 2; every mistake of the spec is listed in one run, by the CLI and by plain `pulumi up` alike."""
    before = estate.ids()
    estate.file.write_text(TEN_MISTAKES)
    try:
        refused = estate.clone.pointsman("up", "--env", estate.name, "--output", "json")
        told = refused.document()
        plain = estate.pulumi("up", "--yes", "--skip-preview")
    finally:
        estate.write()
    assert refused.code == told["exit_code"] == 2
    assert [each["key"] for each in told["mistakes"]] == list(PLACES)
    assert plain.code != 0
    assert "Traceback" not in plain.said
    for place in PLACES:
        assert place in plain.said
    assert estate.ids() == before


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../dev", "cannot be an environment's name"),
        ("Dev", "cannot be"),
        ("nowhere", "there is no environment nowhere"),
    ],
)
def test_a_name_that_is_none(estate: Estate, name: str, words: str) -> None:
    """Exit 2, before anything else is looked at."""
    refused = estate.clone.pointsman("up", "--env", name)
    assert refused.code == 2
    assert words in refused.said
    assert "Traceback" not in refused.said


def test_a_truncated_image_lock(estate: Estate) -> None:
    """Plain `pulumi up` says what is damaged and what to run; `pointsman up` resolves anew and changes nothing."""
    before = estate.ids()
    whole = estate.lock.read_bytes()
    estate.lock.write_bytes(whole[: len(whole) // 2])
    refused = estate.pulumi("up", "--yes", "--skip-preview")
    assert refused.code != 0
    assert "images.lock.json: damaged" in refused.said
    assert "pointsman images ensure" in refused.said
    assert "Traceback" not in refused.said
    told = estate.up()
    assert any("resolved anew" in finding for finding in told["findings"])
    assert set(told["changes"]) == {"same"}
    assert estate.ids() == before
    assert estate.lock.read_bytes() == whole
