"""What is known of the images of an environment once they are resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pointsman.images.lock import Agent


@dataclass(frozen=True)
class ImageRef:
    """The image of one service. Containers are created from `image_id`; `label` is for people; `user` is its uid."""

    service: str
    version: str
    image_id: str
    label: str
    source: Literal["registry", "packages"]
    user: int


@dataclass(frozen=True)
class Resolution:
    """An image for each service, the log agent that was chosen, and what the user should know of how it came so.

    `absent` names the optional services whose image cannot be had: the environment does without them.
    """

    images: Mapping[str, ImageRef]
    agent: Agent
    findings: list[str]
    absent: frozenset[str] = frozenset()
