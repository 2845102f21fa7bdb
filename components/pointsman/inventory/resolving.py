"""The program that resolves inventories with Ansible's own managers; a process of its own, so that nobody else pays for
Ansible's import.

It reads one request a line on standard input, and answers each with one line on standard output: `Request` and
`Resolved` of `answers`, as JSON.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pointsman.inventory.answers import Fault, Kind, Request, Resolved, ResolvedHost
from pointsman.inventory.files import VAULTED
from pointsman.inventory.templates import Environment, remember_compiled

if TYPE_CHECKING:
    from ansible.inventory.host import Host
    from ansible.parsing.dataloader import DataLoader

_LONGEST_MESSAGE = 300  # characters


def resolve(request: Request, environment: Environment, secrets: Sequence[tuple[str, Any]]) -> Resolved:
    """All hosts of an inventory, each with the variables that were asked for."""
    from ansible.inventory.manager import InventoryManager
    from ansible.parsing.dataloader import DataLoader
    from ansible.vars.hostvars import HostVars
    from ansible.vars.manager import VariableManager

    loader = DataLoader()
    environment.read.clear()
    loader.set_vault_secrets(list(secrets))
    try:
        inventory = InventoryManager(loader=loader, sources=[request.hosts])
        manager = VariableManager(loader=loader, inventory=inventory)
        together = HostVars(inventory, manager, loader)
        hosts = inventory.get_hosts()
    except Exception as error:  # a part of Ansible may raise anything
        return Resolved((), (), Fault("inventory", _message(error)))
    resolver = _Resolver(request, loader, environment)

    def variables(host: Host) -> Mapping[str, Any]:
        return {**manager.get_vars(host=host, include_hostvars=False), "hostvars": together}

    found = tuple(resolver.host(host, variables) for host in hosts)
    return Resolved(found, tuple(sorted(environment.read)), None)


class _Resolver:
    """Resolves the variables of one host after the other."""

    def __init__(self, request: Request, loader: DataLoader, environment: Environment) -> None:
        from ansible.template import Templar

        self._request = request
        self._environment = environment
        self._templar = Templar(loader=loader, variables={})

    def host(self, host: Host, variables: Callable[[Host], Mapping[str, Any]]) -> ResolvedHost:
        """One host; what cannot be resolved is a fault of its own and keeps nothing else from it."""
        from ansible.inventory.helpers import sort_groups

        groups = tuple(group.name for group in sort_groups(host.get_groups()))
        try:
            raw = variables(host)
        except Exception as error:
            return ResolvedHost(host.name, groups, {}, (), {"": Fault(_kind(error), _message(error))})
        self._templar.available_variables = raw
        values: dict[str, Any] = {}
        secrets: list[str] = []
        faults: dict[str, Fault] = {}
        for name in self._request.names:
            if name not in raw:
                continue
            value, fault = self._value(raw[name])
            if fault is None and name not in self._request.secrets and _is_from_vault(value):
                fault = Fault("secret", "")
            if fault is not None:
                faults[name] = fault
            elif name in self._request.secrets:
                secrets.append(name)
            else:
                values[name] = value
        return ResolvedHost(host.name, groups, values, tuple(secrets), faults)

    def _value(self, raw: object) -> tuple[Any, Fault | None]:
        if raw is None or isinstance(raw, bool | int | float):
            return raw, None
        if isinstance(raw, str) and type(raw).__name__ != "EncryptedString" and "{" not in raw:
            return raw, None
        self._environment.missed.clear()
        try:
            return self._templar.template(raw), None
        except Exception as error:
            if self._environment.missed:
                return None, Fault("environment", ", ".join(sorted(self._environment.missed)))
            return None, Fault(_kind(error), _message(error))


def _secrets() -> Iterator[tuple[str, Any]]:
    """The vault's passwords, from where Ansible's own settings say."""
    from ansible import constants
    from ansible.parsing.dataloader import DataLoader
    from ansible.parsing.vault import get_file_vault_secret

    loader = DataLoader()

    places = [str(place).rpartition("@") for place in constants.DEFAULT_VAULT_IDENTITY_LIST or []]
    named = [(name or constants.DEFAULT_VAULT_IDENTITY, path) for name, _, path in places]
    if constants.DEFAULT_VAULT_PASSWORD_FILE:
        named.append((constants.DEFAULT_VAULT_IDENTITY, constants.DEFAULT_VAULT_PASSWORD_FILE))
    for name, path in named:
        secret = get_file_vault_secret(filename=path, vault_id=name, loader=loader)
        secret.load()
        yield name, secret


def _is_from_vault(value: object) -> bool:
    """Whether a value was encrypted by itself, or stands in a file that was."""
    from ansible._internal._datatag._tags import Origin, VaultedValue

    if isinstance(value, list):
        return any(_is_from_vault(each) for each in value)
    origin = Origin.get_tag(value)
    return bool(VaultedValue.is_tagged_on(value)) or bool(origin and origin.path and _is_encrypted(origin.path))


@lru_cache
def _is_encrypted(path: str) -> bool:
    with Path(path).open("rb") as file:
        return file.read(len(VAULTED)) == VAULTED


def _kind(error: BaseException) -> Kind:
    from ansible.errors import AnsibleUndefinedVariable
    from ansible.parsing.vault import AnsibleVaultError, AnsibleVaultFormatError

    for each in _chain(error):
        if isinstance(each, AnsibleVaultError | AnsibleVaultFormatError) or "decrypt" in str(each).lower():
            return "vault"
        if isinstance(each, AnsibleUndefinedVariable):
            return "undefined"
    return "template"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _message(error: BaseException) -> str:
    """The innermost message, on one line."""
    messages = [getattr(each, "_original_message", None) or str(each) for each in _chain(error)]
    text = next((message for message in reversed(messages) if message.strip()), type(error).__name__)
    return " ".join(text.split())[:_LONGEST_MESSAGE]


def main() -> None:
    """Answers every request. What Ansible prints goes to standard error."""
    from ansible.errors import AnsibleError
    from ansible.parsing.vault import VaultSecretsContext
    from ansible.plugins.loader import init_plugin_loader

    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    init_plugin_loader()
    environment = Environment()
    environment.watch()
    remember_compiled()
    refused: Resolved | None = None
    secrets: list[tuple[str, Any]] = []
    try:
        secrets = list(_secrets())
    except AnsibleError as error:
        refused = Resolved((), (), Fault("vault", _message(error)))
    VaultSecretsContext.initialize(VaultSecretsContext(secrets))
    for line in sys.stdin:
        answer = refused or resolve(Request.from_plain(json.loads(line)), environment, secrets)
        answers.write(json.dumps(answer.as_plain(), default=str) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
