"""The catalogue of images: what each service is made of, read from images/catalogue.yaml and checked whole."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Final, Literal

import yaml
from pydantic import Field, StringConstraints, ValidationError, model_validator

from pointsman.errors import UsageError
from pointsman.images.recipes import Inside, PackageName, Part, Recipe, Scratch, Seconds, Suite, Version
from pointsman.paths import checkout

# The same safe loader in C where PyYAML was built with it: a third of a second less for a file of this length.
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

ServiceName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
Repository = Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]+(:\d+)?(/[a-z0-9._-]+)+$")]
Tag = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$")]
Mode = Annotated[str, StringConstraints(pattern=r"^[01][0-7]{3}$")]


class User(Part):
    """The user that the service runs as; its group has the same number and name."""

    id: int = Field(ge=1, le=65534, description="0 is refused: nothing runs as root.")
    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]


class Official(Part):
    """The upstream's own image. Digests are not written here: they are seen when pulled and kept in the lock."""

    repository: Repository
    tag: Tag


class Folder(Part):
    """A folder that the service writes in; a new named volume mounted there takes over its owner and mode."""

    path: Inside
    mode: Mode = "0755"
    owner: int | None = Field(default=None, ge=0, le=65534, description="Default: the service's user.")


class Service(Part):
    """One service: the same binaries, user and folders whether the image is pulled or built."""

    version: Version
    user: User
    official: Official | None = Field(default=None, description="Absent: a program of ours, built in every mode.")
    purpose: Literal["stack", "tests"] = Field(default="stack", description="tests: no environment ever needs it.")
    binaries: dict[str, Inside] = Field(
        min_length=1, description="Path of each binary in the image; first: entrypoint."
    )
    folders: list[Folder] = Field(default_factory=list)
    packages: Recipe | None = Field(default=None, description="Absent: the image can only be had from a registry.")

    @property
    def uid(self) -> int:
        """The user that the container runs as."""
        return self.user.id

    @property
    def made_version(self) -> str:
        """Version of what packages mode builds; of Debian's packages, the lowest that it takes."""
        if self.packages and self.packages.debian:
            return next(iter(self.packages.debian.packages.values()))
        return (self.packages and self.packages.version) or self.version

    @property
    def entrypoint(self) -> str:
        """Path of the binary that the container runs."""
        return next(iter(self.binaries.values()))

    def is_made_as(self, version: str) -> bool:
        """Whether packages mode may give that version now: the very one, or of Debian's packages a newer."""
        if self.packages and self.packages.debian:
            return _release(version) >= _release(self.made_version)
        return version == self.made_version

    @model_validator(mode="after")
    def _binaries_are_built(self) -> Service:
        if self.packages is None:
            return self
        built = self.packages.built
        if set(built) != set(self.binaries):
            raise ValueError(
                f"packages builds {sorted(built)}; expected {sorted(self.binaries)}, the names under binaries"
            )
        return self

    @model_validator(mode="after")
    def _can_be_had(self) -> Service:
        if self.official is None and self.packages is None:
            raise ValueError("expected official, packages, or both")
        if self.official and self.official.tag.removeprefix("v") != self.version:
            raise ValueError(f"official.tag {self.official.tag} is not version {self.version}")
        return self


class Host(Part):
    """A test host: a whole Debian system under systemd, which runs as root. No registry has it: it is always built."""

    version: Version = Field(description="Debian's release.")
    suite: Suite
    folder: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$")] = Field(
        description="Folder below images/ with files/, laid at the same path, and finish.sh, run inside at the end."
    )
    packages: list[PackageName] = Field(min_length=1, description="What is in it beside Debian's smallest set.")
    seconds: Seconds
    scratch: Scratch

    @property
    def official(self) -> Official | None:
        """No image of a registry."""
        return None

    @property
    def uid(self) -> int:
        """systemd is root's."""
        return 0

    @property
    def made_version(self) -> str:
        """The lowest version that will do: the release."""
        return self.version

    def is_made_as(self, version: str) -> bool:
        """Whether a version is of the release: 12.12 is of 12."""
        return _release(version)[:1] == _release(self.version)[:1]


class Catalogue(Part):
    """All services by name, and the systems that test hosts run."""

    services: dict[ServiceName, Service] = Field(min_length=1)
    hosts: dict[ServiceName, Host] = Field(default_factory=dict)

    def image(self, name: str) -> Service | Host:
        """The service or host of that name; raises UsageError for one that the catalogue does not know."""
        return self.hosts[name] if name in self.hosts else self.service(name)

    @model_validator(mode="after")
    def _one_image_a_name(self) -> Catalogue:
        if both := sorted(set(self.services) & set(self.hosts)):
            raise ValueError(f"{', '.join(both)} under services and under hosts; expected one image a name")
        return self

    def service(self, name: str) -> Service:
        """The service of that name; raises UsageError for one that the catalogue does not know."""
        if name not in self.services:
            known = ", ".join(sorted((*self.services, *self.hosts)))
            raise UsageError(f"no image is known for service {name}; known: {known}")
        return self.services[name]


def load(path: Path | None = None) -> Catalogue:
    """The catalogue at `path`, by default images/catalogue.yaml of the checkout.

    Raises UsageError naming the file and every wrong key with its value at once.
    """
    source = path or checkout() / "images" / "catalogue.yaml"
    try:
        data = yaml.load(source.read_text(encoding="utf-8"), Loader=_LOADER)
    except OSError as error:
        raise UsageError(f"{source}: {error.strerror}", remedy="restore the file from version control") from error
    except yaml.YAMLError as error:
        raise UsageError(f"{source}: not YAML: {error}") from error
    try:
        return Catalogue.model_validate(data)
    except ValidationError as error:
        raise UsageError(_mistakes(source, error), remedy=f"correct {source}") from error


def in_registry(repository: str, registry: str | None) -> str:
    """The repository to pull from: the official one, or the same path below `registry` (host[:port][/prefix])."""
    return repository if registry is None else f"{registry}/{repository.partition('/')[2]}"


def _release(version: str) -> tuple[int, ...]:
    """The upstream release's numbers: (0, 28, 1) of 0.28.1+ds-1."""
    return tuple(int(part) for part in re.findall(r"\d+", re.split(r"[-+~]", version)[0]))


def _mistakes(source: Path, error: ValidationError) -> str:
    lines = [f"{source}: {error.error_count()} mistake(s)"]
    for mistake in error.errors(include_url=False):
        where = ".".join(str(step) for step in mistake["loc"]) or "(top)"
        value = mistake["input"]
        shown = f" (value: {value!r})" if isinstance(value, str | int | float | bool) or value is None else ""
        lines.append(f"  {where}: {mistake['msg']}{shown}")
    return "\n".join(lines)
