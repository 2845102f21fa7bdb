"""The catalogue: the real one holds together; mistakes are named by file, key, value, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from pointsman.builds.system import FILES, FINISH
from pointsman.errors import UsageError
from pointsman.images.catalogue import Catalogue, Host, Service, in_registry, load
from pointsman.images.locked import LOG_AGENT, required_services
from pointsman.services.estate import OPTIONAL
from pointsman.spec.models import Environment

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
    """Every Go recipe has its pinned module, every folder of images/ its image; official images are named whole."""
    catalogue = load(IMAGES / "catalogue.yaml")
    folders = set()
    for name, service in catalogue.services.items():
        assert service.official is None or service.official.repository.startswith("docker.io/"), name
        if service.packages and service.packages.go:
            folders.add(service.packages.go.folder)
            folder = IMAGES / service.packages.go.folder
            assert (folder / "go.mod").is_file(), name
            assert (folder / "go.sum").is_file(), name
    for name, host in catalogue.hosts.items():
        folders.add(host.folder)
        assert (IMAGES / host.folder / FINISH).is_file(), name
        assert (IMAGES / host.folder / FILES).is_dir(), name
    assert folders == {path.name for path in IMAGES.iterdir() if path.is_dir()}


def test_all_that_an_environment_may_need_is_in_the_catalogue() -> None:
    """With everything enabled each image is known; only what is optional, or has an alternative, cannot be built."""
    catalogue = load(IMAGES / "catalogue.yaml")
    required = {name: catalogue.service(name) for name in required_services(Environment()) if name != LOG_AGENT}
    assert {name for name, service in required.items() if service.packages is None} <= OPTIONAL
    assert all(service.purpose == "stack" for service in required.values())


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


PROGRAM = {"version": "1.2.0", "user": {"id": 65534, "name": "nobody"}, "binaries": {"program": "/bin/program"}}
GO = {"folder": "program", "packages": {"program": "."}, "seconds": 1.0, "scratch": 1}
DEBIAN = {
    "suite": "trixie",
    "packages": {"prometheus-program": "1.1.0", "libc6": "2.34"},
    "binaries": {"program": "usr/bin/program"},
    "seconds": 1.0,
    "scratch": 1,
}


PYTHON = {
    "suite": "bookworm",
    "python": "3.11",
    "packages": {"python3.11-minimal": "3.11.2"},
    "lock": "runtime.lock",
    "distributions": ["jsonschema"],
    "code": {"program": "components/program"},
    "module": "program",
    "seconds": 1.0,
    "scratch": 1,
}
HOST = {"version": "12", "suite": "bookworm", "folder": "host", "packages": ["systemd"], "seconds": 1.0, "scratch": 1}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "expected official, packages, or both"),
        ({"packages": {}}, "exactly one kind: go, debian or python"),
        ({"packages": {"go": GO, "debian": DEBIAN}}, "exactly one kind: go, debian or python"),
        ({"packages": {"debian": DEBIAN, "version": "1.1.0"}}, "version stands beside go only"),
        ({"packages": {"debian": {**DEBIAN, "binaries": {"other": "usr/bin/other"}}}}, "builds ['other']"),
        ({"packages": {"debian": {**DEBIAN, "suite": "trixie main"}}}, "suite"),
        ({"packages": {"debian": {**DEBIAN, "binaries": {"program": "../../etc/shadow"}}}}, "binaries.program"),
        ({"packages": {"debian": {**DEBIAN, "packages": {"a; rm": "1"}}}}, "packages.debian.packages"),
        ({"packages": {"python": PYTHON}}, "builds ['python3']"),
        ({"packages": {"python": {**PYTHON, "python": "2.7"}}}, "packages.python.python"),
        ({"packages": {"python": {**PYTHON, "lock": "../other.lock"}}}, "packages.python.lock"),
        ({"packages": {"python": {**PYTHON, "code": {"program": "../elsewhere"}}}}, "packages.python.code"),
        ({"packages": {"python": {**PYTHON, "distributions": ["a --index-url=b"]}}}, "packages.python.distributions"),
    ],
)
def test_a_service_comes_from_somewhere_and_in_one_way(more: dict[str, object], said: str) -> None:
    """Without an official image there is a recipe; a recipe is of one kind; its words cannot be more than names."""
    with pytest.raises(ValidationError) as caught:
        Service.model_validate({**PROGRAM, **more})
    assert said in str(caught.value)


def test_a_program_of_debian_may_be_newer_than_asked_for() -> None:
    """Debian's revisions do not count; a release below the lowest does not do. A Go build has one version only."""
    debian = Service.model_validate({**PROGRAM, "packages": {"debian": DEBIAN}})
    assert debian.made_version == "1.1.0"
    assert [debian.is_made_as(each) for each in ("1.1.0-1", "1.1.0+ds-2+b1", "1.10.0-1", "1.0.9-1")] == [
        *(True, True, True),
        False,
    ]
    go = Service.model_validate({**PROGRAM, "packages": {"go": GO}})
    assert [go.is_made_as(each) for each in ("1.2.0", "1.2.1")] == [True, False]


def test_a_host_is_of_its_release() -> None:
    """Point releases of Debian do as well, another release does not; a host is root's and in no registry."""
    host = Host.model_validate(HOST)
    assert [host.is_made_as(each) for each in ("12.0", "12.12", "12", "13.1", "11.9")] == [
        True,
        True,
        True,
        False,
        False,
    ]
    assert (host.uid, host.official) == (0, None)


def test_a_name_is_a_service_or_a_host() -> None:
    """Both are found by name; one name for both is refused, an unknown one is told with all that are known."""
    program = {**PROGRAM, "packages": {"go": GO}}
    catalogue = Catalogue.model_validate({"services": {"program": program}, "hosts": {"debian": HOST}})
    assert catalogue.image("program") == Service.model_validate(program)
    assert catalogue.image("debian") == Host.model_validate(HOST)
    with pytest.raises(UsageError, match="known: debian, program"):
        catalogue.image("fedora")
    with pytest.raises(ValidationError, match="expected one image a name"):
        Catalogue.model_validate({"services": {"program": program}, "hosts": {"program": HOST}})
