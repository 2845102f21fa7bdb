"""Where a secret is kept: a file or an environment variable. Its value stands in no file of the repository."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from pointsman.spec.base import Misfit, Model

VariableName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$"),
    Field(json_schema_extra={"patternErrorMessage": "expected the name of an environment variable"}),
]
FilePath = Annotated[
    str,
    StringConstraints(pattern=r"^(~?/[^\s]+)$"),
    Field(json_schema_extra={"patternErrorMessage": "expected a path from the root or from ~"}),
]


class Secret(Model):
    """Where a secret is: its value stands in no file of the repository."""

    called: ClassVar[str] = "secret"
    file: FilePath | None = Field(default=None, description="A file with the secret alone, mode 600.")
    environment: VariableName | None = Field(default=None, description="An environment variable that holds it.")

    def misfits(self) -> Iterator[Misfit]:
        """A secret that is told twice or not at all."""
        if (self.file is None) == (self.environment is None):
            yield Misfit(
                keys=(("file",), ("environment",)),
                problem=f"the {self.called} is told twice" if self.file else f"nothing says where the {self.called} is",
                expected="either file or environment",
            )


class Token(Secret):
    """Where a GitHub token is."""

    called: ClassVar[str] = "token"
    file: FilePath | None = Field(default=None, description="A file with the token alone, mode 600.")


class WebhookAddress(Secret):
    """Where the address of a chat's webhook is: who knows it may post."""

    called: ClassVar[str] = "address"
    file: FilePath | None = Field(default=None, description="A file with the address alone, mode 600.")


class Password(Secret):
    """Where a password is."""

    called: ClassVar[str] = "password"
    file: FilePath | None = Field(default=None, description="A file with the password alone, mode 600.")
