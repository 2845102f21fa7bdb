"""A host made of the variables that were validated for it, and back from plain data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pointsman.inventory.model import MONITORED, PARTS, Group, Host, Inventory, Package, Runner

if TYPE_CHECKING:
    from pointsman.inventory.answers import ResolvedHost
    from pointsman.inventory.variables import HostVariables

# The way in, which may differ from person to person and makes nothing of the host.
_NOT_OF_THE_HOST = ("ansible_ssh_private_key_file", "ansible_ssh_common_args", "ansible_python_interpreter")


def built(resolved: ResolvedHost, model: HostVariables) -> Host:
    """The host that a model stands for."""
    groups = tuple(group for group in resolved.groups if group != "all")
    runner = _runner(resolved.name, groups, model)
    exporters = _exporters(groups, runner, model)
    values = {
        **model.model_dump(mode="json", exclude_none=True),
        "ansible_host": model.ansible_host or resolved.name,
        "exporters_enabled": list(exporters),
        **({"runner_name": runner.name} if runner else {}),
    }
    return Host(
        name=resolved.name,
        groups=groups,
        address=values["ansible_host"],
        port=model.ansible_port,
        user=model.ansible_user or "",
        runner=runner,
        exporters=exporters,
        ssh_from=tuple(model.firewall_ssh_from),
        scrape_from=tuple(model.firewall_scrape_from),
        variables=values,
        secrets=resolved.secrets,
        hash=_hash(runner.part if runner else "", values),
    )


def from_plain(plain: Mapping[str, Any]) -> Inventory:
    """The inventory that `dataclasses.asdict` made plain data of."""
    return Inventory(
        environment=plain["environment"],
        folder=plain["folder"],
        path=plain["path"],
        hosts=tuple(_host(each) for each in plain["hosts"]),
        groups=tuple(Group(each["name"], tuple(each["children"]), tuple(each["hosts"])) for each in plain["groups"]),
    )


def as_plain(inventory: Inventory) -> dict[str, Any]:
    """An inventory for JSON."""
    return asdict(inventory)


def _runner(name: str, groups: tuple[str, ...], model: HostVariables) -> Runner | None:
    from pointsman.spec.scalars import duration_seconds, size_bytes

    part = next((PARTS[group] for group in groups if group in PARTS), None)
    if part is None:
        return None
    url, sha256, version = model.runner_package_url, model.runner_package_sha256, model.runner_package_version
    return Runner(
        part=part,
        name=model.runner_name or name,
        labels=tuple(model.runner_labels),
        mode=model.runner_mode,
        profile=model.runner_profile,
        work_folder=model.runner_work_folder,
        min_free=size_bytes(model.runner_min_free),
        drain_seconds=duration_seconds(model.runner_drain_timeout),
        package=Package(url, sha256, version) if url and sha256 and version else None,
    )


def _exporters(groups: tuple[str, ...], runner: Runner | None, model: HostVariables) -> dict[str, int]:
    if MONITORED not in groups:
        return {}
    ports = {"node": model.exporters_node_port, "runner": model.exporters_runner_port}
    ordinary = ["node", "runner"] if runner else ["node"]
    chosen = ordinary if model.exporters_enabled is None else model.exporters_enabled
    return {name: port for name, port in ports.items() if name in chosen}


def _hash(part: str, values: Mapping[str, Any]) -> str:
    kept = {name: value for name, value in values.items() if name not in _NOT_OF_THE_HOST}
    return hashlib.sha256(json.dumps([part, kept], sort_keys=True).encode()).hexdigest()


def _host(plain: Mapping[str, Any]) -> Host:
    runner = plain["runner"]
    if runner:
        package = Package(**runner["package"]) if runner["package"] else None
        runner = Runner(**{**runner, "labels": tuple(runner["labels"]), "package": package})
    listed = {name: tuple(plain[name]) for name in ("groups", "ssh_from", "scrape_from", "secrets")}
    return Host(**{**plain, **listed, "runner": runner})
