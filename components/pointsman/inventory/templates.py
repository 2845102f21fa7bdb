"""What is changed of Ansible's templates in the process that resolves inventories: what they see, and their speed."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

_LOOKUPS = {"env", "ansible.builtin.env", "ansible.legacy.env"}


class Environment:
    """What templates see of the world: environment variables, and nothing else. Knows those that they read, and those
    that they missed since the last look."""

    def __init__(self) -> None:
        self.read: set[str] = set()
        self.missed: set[str] = set()

    def watch(self) -> None:
        """Refuses every lookup but `env`: others read files, or run commands. Has `env` tell what it reads; a variable
        that is not set is undefined, and no empty text, unless the template gives a default."""
        self._refuse_others()
        from ansible._internal._templating._jinja_bits import _undef
        from ansible.plugins.lookup.env import LookupModule

        plain: Callable[..., list[Any]] = LookupModule.run

        def run(plugin: Any, terms: list[str], variables: Any = None, **options: Any) -> list[Any]:
            names = [str(term).split()[0] for term in terms]
            self.read.update(names)
            if "default" in options:
                return plain(plugin, terms, variables=variables, **options)
            missed = [name for name in names if name not in os.environ]
            self.missed.update(missed)
            return [
                _undef(f"the environment variable {name} is not set") if name in missed else value
                for name, value in zip(names, plain(plugin, terms, variables=variables, **options), strict=True)
            ]

        LookupModule.run = run

    def _refuse_others(self) -> None:
        from ansible.errors import AnsibleError
        from ansible.plugins.loader import lookup_loader

        plain: Callable[..., Any] = lookup_loader.get

        def get(name: str, *arguments: Any, **options: Any) -> Any:
            if name not in _LOOKUPS:
                raise AnsibleError(f"the lookup {name} is not allowed")
            return plain(name, *arguments, **options)

        lookup_loader.get = get


def remember_compiled() -> None:
    """Has a template compiled once, not once a host: most of what resolving takes would be the compiler's time.

    A template is the same where its text and its origin are, since Ansible puts the origin into the code.
    """
    from ansible._internal._datatag._tags import Origin
    from ansible._internal._templating._jinja_bits import AnsibleEnvironment

    plain: Callable[..., Any] = AnsibleEnvironment.compile
    known: dict[tuple[str, Any], Any] = {}

    def compile_once(environment: Any, source: Any, *arguments: Any, **options: Any) -> Any:
        # An overlay has settings of its own (`#jinja2:`).
        if not isinstance(source, str) or environment.overlayed or arguments or options:
            return plain(environment, source, *arguments, **options)
        key = (str(source), Origin.get_tag(source))
        if key not in known:
            known[key] = plain(environment, source)
        return known[key]

    AnsibleEnvironment.compile = compile_once
