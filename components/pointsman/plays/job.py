"""What the process that runs a play is asked for: one line of JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Job:
    """What is run: paths of the playbook, the inventory and the file with extra variables; `folder` is its own and
    empty; `settings` are variables of Ansible's environment; `seconds` is how long it may take."""

    folder: str
    playbook: str
    inventory: str
    host: str
    variables: str
    settings: Mapping[str, str]
    arguments: str
    seconds: int

    def as_line(self) -> str:
        """For standard input."""
        return json.dumps(asdict(self)) + "\n"

    @classmethod
    def of_line(cls, line: str) -> Job:
        """And back."""
        return cls(**json.loads(line))
