"""The catalogue of images: what each service is made of, read from images/catalogue.yaml and checked whole."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from pointsman.errors import UsageError
from pointsman.paths import checkout

ServiceName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
Version = Annotated[str, StringConstraints(pattern=r"^[0-9][A-Za-z0-9.-]{0,60}$")]
Repository = Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]+(:\d+)?(/[a-z0-9._-]+)+$")]
Tag = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$")]
Inside = Annotated[str, StringConstraints(pattern=r"^(/[A-Za-z0-9._-]+)+$")]
Mode = Annotated[str, StringConstraints(pattern=r"^[01][0-7]{3}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class User(_Part):
    """The user that the service runs as; its group has the same number and name."""

    id: int = Field(ge=1, le=65534, description="0 is refused: nothing runs as root.")
    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]


class Official(_Part):
    """The upstream's own image. Digests are not written here: they are seen when pulled and kept in the lock."""

    repository: Repository
    tag: Tag


class Folder(_Part):
    """A folder that the service writes in; a new named volume mounted there takes over its owner and mode."""

    path: Inside
    mode: Mode = "0755"
    owner: int | None = Field(default=None, ge=0, le=65534, description="Default: the service's user.")


class GoRecipe(_Part):
    """How the service's binaries are built from Go modules."""

    folder: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$")] = Field(
        description="Folder below images/ with go.mod and go.sum."
    )
    packages: dict[str, str] = Field(min_length=1, description="Go package of each of the service's binaries.")
    tags: list[str] = Field(default_factory=list)
    ldflags: str = ""
    seconds: float = Field(gt=0, description="Measured wall time of a cold build on 2 quiet cores.")
    scratch: int = Field(gt=0, description="GiB of disk that the build needs for modules and objects.")


class Recipe(_Part):
    """How the image is made from package registries: exactly one kind. Go modules are the only kind so far."""

    go: GoRecipe
    version: Version | None = Field(
        default=None, description="Of a program of our own that stands in for the official one; absent: the same one."
    )


class Service(_Part):
    """One service: the same binaries, user and folders whether the image is pulled or built."""

    version: Version
    user: User
    official: Official
    binaries: dict[str, Inside] = Field(
        min_length=1, description="Path of each binary in the image; first: entrypoint."
    )
    folders: list[Folder] = Field(default_factory=list)
    packages: Recipe | None = Field(default=None, description="Absent: the image can only be had from a registry.")

    @property
    def made_version(self) -> str:
        """Version of what packages mode builds."""
        return (self.packages and self.packages.version) or self.version

    @property
    def entrypoint(self) -> str:
        """Path of the binary that the container runs."""
        return next(iter(self.binaries.values()))

    @model_validator(mode="after")
    def _binaries_are_built(self) -> Service:
        if self.packages and set(self.packages.go.packages) != set(self.binaries):
            raise ValueError(
                f"packages.go.packages builds {sorted(self.packages.go.packages)}; expected {sorted(self.binaries)}, "
                "the names under binaries"
            )
        return self

    @model_validator(mode="after")
    def _tag_is_the_version(self) -> Service:
        if self.official.tag.removeprefix("v") != self.version:
            raise ValueError(f"official.tag {self.official.tag} is not version {self.version}")
        return self


class Catalogue(_Part):
    """All services by name."""

    services: dict[ServiceName, Service] = Field(min_length=1)

    def service(self, name: str) -> Service:
        """The service of that name; raises UsageError for one that the catalogue does not know."""
        if name not in self.services:
            known = ", ".join(sorted(self.services))
            raise UsageError(f"no image is known for service {name}; known: {known}")
        return self.services[name]


def load(path: Path | None = None) -> Catalogue:
    """The catalogue at `path`, by default images/catalogue.yaml of the checkout.

    Raises UsageError naming the file and every wrong key with its value at once.
    """
    source = path or checkout() / "images" / "catalogue.yaml"
    try:
        data = yaml.safe_load(source.read_text(encoding="utf-8"))
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


def _mistakes(source: Path, error: ValidationError) -> str:
    lines = [f"{source}: {error.error_count()} mistake(s)"]
    for mistake in error.errors(include_url=False):
        where = ".".join(str(step) for step in mistake["loc"]) or "(top)"
        value = mistake["input"]
        shown = f" (value: {value!r})" if isinstance(value, str | int | float | bool) or value is None else ""
        lines.append(f"  {where}: {mistake['msg']}{shown}")
    return "\n".join(lines)
