"""What a config volume refuses and what it calls a change: decided without a look at Docker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pointsman.errors import UsageError
from pointsman.resources.provider import config_volume, releases
from pointsman.resources.provider.config_volume import ConfigVolumeKind
from pointsman.resources.provider.kinds import Cancellation, Change
from pointsman.resources.provider.readiness import ReadinessKind

FILES = {"prometheus.yml": "a: 1\n", "targets/builds.json": "[]\n"}
INPUTS: dict[str, Any] = {
    "volume": "pointsman-dev-prometheus-config",
    "labels": {},
    "files": FILES,
    "directory": "/etc/prometheus",
    "image": "sha256:aa",
    "user": 65534,
    "container": "pointsman-dev-prometheus",
    "fingerprint": "aaaaaaaaaaaa",
    "validate": ["/bin/promtool", "{release}"],
    "watched": ["targets/"],
    "watchedMetric": "prometheus_sd_file_mtime_seconds",
    "reload": {"kind": "restart"},
    "baseUrl": "http://127.0.0.1:9090",
    "readyPath": "/-/ready",
}
STATE = {**INPUTS, "release": releases.digest(FILES)}
KIND = ConfigVolumeKind()


def diff(**changed: Any) -> Change:
    """The change from INPUTS, as they are in force, to inputs with these values."""
    return KIND.diff(INPUTS, STATE, {**INPUTS, **changed})


def test_good_inputs() -> None:
    """Files in the directory and below it."""
    assert KIND.check(INPUTS) == []


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../x", "a/../../x", "a/..", ".", "./a", ".release", "", "a//b", "a/", "a/./b"],
)
def test_a_path_must_stay_inside(path: str) -> None:
    """A path that would leave the slot, or name nothing in it, is refused by its key before anything is touched."""
    (failure,) = KIND.check({**INPUTS, "files": {path: "x", "good.yml": "y"}})
    assert failure.key == f'files["{path}"]'
    assert "relative path" in failure.reason


def test_there_must_be_files() -> None:
    """An empty release would take a service's config away; files that a preview does not know yet are not empty."""
    assert [failure.key for failure in KIND.check({**INPUTS, "files": {}})] == ["files"]
    unknown = {name: value for name, value in INPUTS.items() if name != "files"}
    assert KIND.check(unknown) == []


def test_a_secret_that_is_not_there_is_told_before_docker_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where no preflight ran before, as by plain `pulumi up`: the file by its path, and nothing was made."""
    monkeypatch.setattr(config_volume, "connect", lambda: pytest.fail("Docker was asked"))
    secrets = {"secrets/chat": {"file": f"{tmp_path}/slack", "what": "address"}}
    with pytest.raises(UsageError, match=f"the address file {tmp_path}/slack does not exist"):
        KIND.create({**INPUTS, "secrets": secrets}, Cancellation())
    with pytest.raises(UsageError, match="does not exist"):
        KIND.update(STATE, {**INPUTS, "secrets": secrets}, Cancellation())


def test_nothing_changed() -> None:
    """The second `up` finds nothing to do."""
    assert diff() == Change()


def test_changed_files_are_named() -> None:
    """A preview shows each file that differs, comes or goes, and no other."""
    files = {"prometheus.yml": "a: 2\n", "rules/a.yml": "groups: []\n"}
    wanted = ('files["prometheus.yml"]', 'files["rules/a.yml"]', 'files["targets/builds.json"]')
    assert diff(files=files) == Change(wanted)
    assert diff(files={**FILES, "targets/builds.json": "[1]\n"}) == Change(('files["targets/builds.json"]',))


@pytest.mark.parametrize(
    "changed",
    [
        {"image": "sha256:bb"},
        {"fingerprint": "bbbbbbbbbbbb"},
        {"container": "another"},
        {"baseUrl": "http://127.0.0.1:19090"},
        {"validate": ["/bin/promtool", "check", "{release}"]},
    ],
)
def test_the_files_stay_with_another_container(changed: dict[str, Any]) -> None:
    """A new image or plan leaves the volume alone: the container is replaced and finds the release in force."""
    assert diff(**changed) == Change()


@pytest.mark.parametrize("release", ["", "0123456789ab"])
def test_drift_is_a_change(release: str) -> None:
    """A volume that was emptied, or points at other files, is mended by the next `up`."""
    assert KIND.diff(INPUTS, {**STATE, "release": release}, INPUTS) == Change(("release",))


def test_owner_and_directory_are_written_anew() -> None:
    """Another user could not read the files of the one before."""
    assert diff(user=10001) == Change(("user",))
    assert diff(directory="/etc/p") == Change(("directory",))


def test_another_volume_is_another_resource() -> None:
    """A rename makes the new one and removes the old one, whatever else changed."""
    assert diff(volume="pointsman-lab-prometheus-config", files={"a": "b"}) == Change(("volume",), replace=True)


READY = {"container": "c", "containerId": "1", "url": "http://127.0.0.1:1/ready", "timeout": 60}


def test_readiness_is_seen_again_for_another_container() -> None:
    """A replaced container, another address or time is waited for; the same is not."""
    kind = ReadinessKind()
    assert kind.diff(READY, READY, READY) == Change()
    assert kind.diff(READY, READY, {**READY, "containerId": "2"}) == Change(("containerId",))
    unknown = {name: value for name, value in READY.items() if name != "containerId"}
    assert kind.diff(READY, READY, unknown) == Change(("containerId",))


@pytest.mark.parametrize(("timeout", "good"), [(60, True), (0.5, True), (0, False), (-1, False), ("60", False)])
def test_readiness_needs_a_time(timeout: object, good: bool) -> None:
    """A wait of no time would prove nothing; the message says what was given."""
    failures = ReadinessKind().check({**READY, "timeout": timeout})
    assert (failures == []) is good
    assert all(repr(timeout) in failure.reason for failure in failures)


def test_readiness_of_an_unknown_time() -> None:
    """A preview may not know it yet."""
    assert ReadinessKind().check({"container": "c", "url": ""}) == []
