"""The catalogue: the real one holds together; mistakes are named by file, key, value, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from pointsman.errors import UsageError
from pointsman.images.catalogue import in_registry, load

IMAGES = Path(__file__).parents[3] / "images"

WRONG = """\
services:
  loki:
    version: 3.7.8
    user: {id: 0, name: root}
    official: {repository: docker.io/grafana/loki, tag: 3.7.7}
    binaries: {loki: usr/bin/loki}
    colour: blue
  tempo:
    version: 2.6.0
    user: {id: 10001, name: tempo}
    official: {repository: docker.io/grafana/tempo, tag: 2.6.0}
    binaries: {tempo: /tempo}
    packages: {go: {folder: tempo, packages: {other: example.org/tempo}, seconds: 1, scratch: 1}}
"""


def test_the_real_catalogue_is_valid_and_its_recipes_are_there() -> None:
    """Every Go recipe has its pinned module; official images are named whole, by tag."""
    catalogue = load(IMAGES / "catalogue.yaml")
    assert {"prometheus", "loki", "alloy", "promtail", "node-exporter", "socket-proxy"} <= set(catalogue.services)
    for name, service in catalogue.services.items():
        assert service.official.repository.startswith("docker.io/"), name
        if service.packages:
            folder = IMAGES / service.packages.go.folder
            assert (folder / "go.mod").is_file(), name
            assert (folder / "go.sum").is_file(), name


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    """Each wrong key is named by its path with the value; root and relative paths are refused."""
    file = tmp_path / "catalogue.yaml"
    file.write_text(WRONG)
    with pytest.raises(UsageError) as caught:
        load(file)
    message = caught.value.message
    assert str(file) in message
    for expected in (
        "services.loki.user.id",
        "value: 0",
        "services.loki.binaries.loki",
        "'usr/bin/loki'",
        "services.loki.colour",
        "services.tempo",
        "builds ['other']; expected ['tempo']",
    ):
        assert expected in message


def test_a_tag_of_another_version_is_refused(tmp_path: Path) -> None:
    """Registry and packages mode cannot drift apart: the tag is the version."""
    file = tmp_path / "catalogue.yaml"
    file.write_text(
        WRONG.split("  tempo:")[0]
        .replace("id: 0", "id: 1")
        .replace(": usr", ": /usr")
        .replace("    colour: blue\n", "")
    )
    with pytest.raises(UsageError, match=r"official\.tag 3\.7\.7 is not version 3\.7\.8"):
        load(file)


@pytest.mark.parametrize(("content", "said"), [("services: [", "not YAML"), ("", "(top)"), (None, "No such file")])
def test_a_file_that_is_no_catalogue(tmp_path: Path, content: str | None, said: str) -> None:
    """Missing, empty or broken: the file is named, without a traceback."""
    file = tmp_path / "catalogue.yaml"
    if content is not None:
        file.write_text(content)
    with pytest.raises(UsageError) as caught:
        load(file)
    assert str(file) in caught.value.message
    assert said in caught.value.message


def test_a_registry_of_ones_own_replaces_the_official_host() -> None:
    """Only the host is replaced; a prefix and a port are kept."""
    assert in_registry("docker.io/grafana/loki", None) == "docker.io/grafana/loki"
    assert (
        in_registry("docker.io/grafana/loki", "mirror.example.org:5000/hub")
        == "mirror.example.org:5000/hub/grafana/loki"
    )
