"""The program side of the custom resources: what a component writes to get a proved config volume or readiness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi


class ConfigVolume(pulumi.CustomResource):
    """A volume with the config of one service: validated, written beside the last good release, loaded and proved.

    `release` is the digest of the files in force.
    """

    release: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        volume: str,
        labels: Mapping[str, str],
        files: Mapping[str, str],
        directory: str,
        image: str,
        user: int,
        container: str,
        fingerprint: str,
        validate: Sequence[str],
        watched: Sequence[str],
        watched_metric: str,
        reload: Mapping[str, str],
        base_url: str,
        ready_path: str,
        secrets: Mapping[str, Mapping[str, Any]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """The arguments are described at `pointsman.resources.provider.config_volume.Inputs`."""
        props: dict[str, Any] = {
            "volume": volume,
            "labels": dict(labels),
            "files": dict(files),
            "directory": directory,
            "image": image,
            "user": user,
            "container": container,
            "fingerprint": fingerprint,
            "validate": list(validate),
            "watched": list(watched),
            "watchedMetric": watched_metric,
            "reload": dict(reload),
            "baseUrl": base_url,
            "readyPath": ready_path,
            # Left out where there are none, so that a state without them is not changed by them.
            **({"secrets": {name: dict(source) for name, source in secrets.items()}} if secrets else {}),
            "release": None,
        }
        super().__init__("pointsman:index:ConfigVolume", name, props, opts)


class Readiness(pulumi.CustomResource):
    """The proof that a container works: its URL answered from outside; a container that dies fails at once."""

    seconds: pulumi.Output[float]

    def __init__(
        self,
        name: str,
        *,
        container: str,
        container_id: pulumi.Input[str],
        url: str | None,
        timeout: float,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`url` must answer 200 within `timeout` seconds; without one the container must run and stay up."""
        props = {
            "container": container,
            "containerId": container_id,
            "url": url or "",
            "timeout": timeout,
            "seconds": None,
        }
        super().__init__("pointsman:index:Readiness", name, props, opts)
