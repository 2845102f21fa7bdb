"""How an image is made where no registry has it: the kinds of recipes of images/catalogue.yaml."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Version = Annotated[str, StringConstraints(pattern=r"^[0-9][A-Za-z0-9.-]{0,60}$")]
Inside = Annotated[str, StringConstraints(pattern=r"^(/[A-Za-z0-9._-]+)+$")]
InPackage = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_*-][A-Za-z0-9._*-]*(/[A-Za-z0-9_*-][A-Za-z0-9._*-]*)+$")
]
InCheckout = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*$")]
PackageName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9+.-]+$")]
Module = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)*$")]
Suite = Annotated[str, StringConstraints(pattern=r"^[a-z]+$")]
Seconds = Annotated[float, Field(gt=0, description="Measured wall time of a cold build on 2 quiet cores.")]
Scratch = Annotated[int, Field(gt=0, description="GiB of disk that the build needs meanwhile.")]


class Part(BaseModel):
    """A part of the catalogue: unknown keys and wrong types are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class GoRecipe(Part):
    """How the service's binaries are built from Go modules."""

    folder: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$")] = Field(
        description="Folder below images/ with go.mod and go.sum."
    )
    packages: dict[str, str] = Field(min_length=1, description="Go package of each of the service's binaries.")
    tags: list[str] = Field(default_factory=list)
    ldflags: str = ""
    seconds: float = Field(gt=0, description="Measured wall time of a cold build on 2 quiet cores.")
    scratch: int = Field(gt=0, description="GiB of disk that the build needs for modules and objects.")


class DebianRecipe(Part):
    """Which files of which Debian packages make the image; libraries that the binaries load are found by themselves."""

    suite: Suite
    packages: dict[PackageName, Version] = Field(
        min_length=1, description="Package and the lowest version that will do; first: the one the image is named for."
    )
    binaries: dict[str, InPackage] = Field(min_length=1, description="Where the packages have each binary.")
    files: list[InPackage] = Field(
        default_factory=list, description="Patterns of further files, laid at the same path in the image."
    )
    seconds: float = Field(gt=0, description="Measured wall time on 2 quiet cores, the suite's index included.")
    scratch: int = Field(gt=0, description="GiB of disk that indexes and unpacked packages need.")


class PythonRecipe(Part):
    """Debian's Python, wheels of a lock, and code of this checkout, started as `python3 -m <module>`."""

    suite: Suite
    python: Annotated[str, StringConstraints(pattern=r"^3\.[0-9]{1,2}$")] = Field(description="The suite's own Python.")
    packages: dict[PackageName, Version] = Field(
        min_length=1, description="Packages of the interpreter and of all that it and the wheels load, lowest version."
    )
    lock: Literal["runtime.lock", "dev.lock"] = Field(description="File of requirements/ with versions and hashes.")
    distributions: list[Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]] = Field(
        min_length=1, description="What is imported; all that these need comes with them."
    )
    code: dict[InCheckout, InCheckout] = Field(
        min_length=1, description="Files and folders of the checkout, by the path at which Python finds them."
    )
    module: Module
    seconds: Seconds
    scratch: Scratch

    @property
    def binaries(self) -> dict[str, str]:
        """The one binary is the interpreter."""
        return {"python3": f"usr/bin/python{self.python}"}


class Recipe(Part):
    """How the image is made from package registries: exactly one kind."""

    go: GoRecipe | None = None
    debian: DebianRecipe | None = None
    python: PythonRecipe | None = None
    version: Version | None = Field(
        default=None, description="Where it is not the official image's: of another release, or of a stand-in."
    )

    @property
    def kind(self) -> GoRecipe | DebianRecipe | PythonRecipe:
        """The kind that is given."""
        found = self.go or self.debian or self.python
        assert found is not None  # _exactly_one_kind
        return found

    @property
    def built(self) -> dict[str, str]:
        """What gives each binary: a Go package, or a path in Debian's packages."""
        return self.kind.packages if isinstance(self.kind, GoRecipe) else self.kind.binaries

    @model_validator(mode="after")
    def _exactly_one_kind(self) -> Recipe:
        if sum(each is not None for each in (self.go, self.debian, self.python)) != 1:
            raise ValueError("expected exactly one kind: go, debian or python")
        if self.version and not self.go:
            raise ValueError("version stands beside go only: Debian's is that of the package which was obtained")
        return self
