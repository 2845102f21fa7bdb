"""From a spec to images: what the lock pins stays; the rest is pulled or built, and pinned in turn.

A locked resolution is used as it is, without asking a registry. It ends for one service when its version, user, source,
registry, tag or recipe is no longer what spec and catalogue say, and for all with `update`. A service that fell back to
packages stays there, one that was left out stays out, and a registry that did not answer is not asked again, until
`update`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pointsman.builds import Progress, Store
from pointsman.errors import PointsmanError, UnreachableError
from pointsman.images import catalogue as catalogues
from pointsman.images import lock as locks
from pointsman.images import packages
from pointsman.images.catalogue import Catalogue, Host, Service
from pointsman.images.engine import Engine
from pointsman.images.failures import RegistryFailure
from pointsman.images.lock import Agent, Lock, Made, Pulled
from pointsman.images.locked import LOG_AGENT, NO_RECIPE, agents, fits, left_out, required_services, resolution
from pointsman.images.model import Resolution
from pointsman.images.registry import Registries
from pointsman.services.estate import INSTEAD, OPTIONAL
from pointsman.spec.models import Environment, Images

_NO_OFFICIAL: Final = "there is no official image of it"


def ensure(environment: str, spec: Environment, progress: Progress, *, update: bool = False) -> Resolution:
    """Have every image of the environment in the Docker engine: pull or build what is missing, and write the lock.

    `update` resolves all anew. Raises UsageError when spec and catalogue do not go together, UnreachableError naming
    every image that cannot be had, BuildError when a build fails.
    """
    run = _Run.begin(environment, spec, progress, update=update)
    try:
        run.choose()
    finally:
        run.save()
    if run.failures:
        raise _unobtainable(run.failures)
    plans = [packages.plan(name, run.catalogue.image(name)) for name in run.to_make]
    for name, made in packages.make(plans, Store(), run.engine, progress):
        run.entries[name] = made.model_copy(update={"reason": run.to_make[name]})
        run.save()
    return resolution(run.required, run.lock, run.left_out, run.findings)


@dataclass
class _Run:
    """One `ensure` at work. `to_make`: why each service is made from packages; `failures`: what cannot be had."""

    file: Path
    spec: Environment
    catalogue: Catalogue
    engine: Engine
    lock: Lock
    registries: Registries
    update: bool
    entries: dict[str, Pulled | Made]
    agent: Agent | None
    absent: dict[str, str]
    wanted: tuple[str, ...]
    required: list[str] = field(default_factory=list)
    agent_reason: str = ""
    to_make: dict[str, str] = field(default_factory=dict)
    failures: list[PointsmanError | RegistryFailure] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)

    @classmethod
    def begin(cls, environment: str, spec: Environment, progress: Progress, *, update: bool) -> _Run:
        """Read catalogue and lock; what is wrong with spec or catalogue is said before anything is touched."""
        catalogue, wanted = catalogues.load(), required_services(spec)
        _check_recipes(wanted, spec.images, catalogue)
        file = locks.path(environment)
        findings: list[str] = []
        try:
            lock = locks.read(file) or Lock()
        except locks.UnreadableLock as error:
            kept = file.replace(file.with_suffix(".damaged"))
            findings.append(f"{error.message}: all images are resolved anew, {kept} keeps what was there")
            lock = Lock()
        engine = Engine()
        # Who asks for the registry alone has it asked; an automatic choice relies on what was found before.
        remembered = dict(lock.unreachable) if spec.images.source == "auto" and not update else {}
        registries = Registries(engine, progress, remembered)
        entries: dict[str, Pulled | Made] = dict(lock.services)
        absent = {} if update else dict(lock.absent)
        return cls(
            file,
            spec,
            catalogue,
            engine,
            lock,
            registries,
            update,
            entries,
            lock.agent,
            absent,
            wanted,
            findings=findings,
        )

    def choose(self) -> None:
        """Decide on every service: keep, pull (done at once), or make."""
        for name in self.wanted:
            if name in (LOG_AGENT, "alloy", "promtail"):
                self._choose_agent()
            elif name in OPTIONAL:
                self._choose_optional(name)
            else:
                self.required.append(name)
                failure = self._choose(name)
                self.failures += [failure] if failure else []

    def save(self) -> None:
        """Write the lock as far as things are resolved; entries of services not asked for now stay."""
        lock = Lock(
            services=dict(self.entries),
            agent=self.agent,
            agent_reason=self.agent_reason,
            absent=dict(self.absent),
            unreachable=dict(self.registries.unreachable) if self.spec.images.source == "auto" else {},
        )
        if lock != self.lock:
            locks.write(self.file, lock)
            self.lock = lock

    @property
    def left_out(self) -> list[str]:
        """The services that the spec declares and that are left out."""
        return [name for name in self.wanted if name in self.absent]

    def _choose_agent(self) -> None:
        before = self._settled_agent()
        candidates = agents(self.spec, before)
        self.agent_reason = self.lock.agent_reason if before == candidates[0] else ""
        for agent in candidates:
            failure = self._choose(agent)
            if failure is None:
                self.required.append(agent)
                self.agent = agent
                return
            if agent == candidates[-1]:
                self.failures.append(failure)
            else:
                self.agent_reason = f"the log agent is {candidates[-1]} and not {agent}: {_cause(failure)}"

    def _choose_optional(self, name: str) -> None:
        """Have it, or do without it: then what stands in for it is needed."""
        self._decide_optional(name)
        if name in self.absent and name in INSTEAD:
            self.required.append(INSTEAD[name])
            failure = self._choose(INSTEAD[name])
            self.failures += [failure] if failure else []

    def _decide_optional(self, name: str) -> None:
        images = self.spec.images
        if left_out(name, self.absent, images):
            return
        self.absent.pop(name, None)
        if images.source == "packages" and self.catalogue.service(name).packages is None:
            self.absent[name] = NO_RECIPE
            return
        failure = self._choose(name)
        if failure is None:
            self.required.append(name)
        elif images.source == "auto":
            self.absent[name] = _cause(failure)
        else:
            self.failures.append(failure)

    def _settled_agent(self) -> Agent | None:
        """The agent that an earlier automatic choice took, as long as its image is still what is asked for."""
        agent, automatic = self.lock.agent, self.spec.log_agent.kind == "auto" and self.spec.images.source != "packages"
        entry = self.entries.get(agent) if agent else None
        if self.update or not automatic or agent is None or entry is None:
            return None
        return agent if fits(entry, self.catalogue.service(agent), self.spec.images) else None

    def _choose(self, name: str) -> PointsmanError | RegistryFailure | None:
        """Resolve one service; what is returned says why it cannot be had."""
        service, images = self.catalogue.image(name), self.spec.images
        entry = self.entries.get(name)
        if entry is not None and (self.update or not fits(entry, service, images)):
            entry = None
        made = entry if isinstance(entry, Made) else None
        if isinstance(service, Host) or made or service.official is None or images.source == "packages":
            self._want_made(name, service, made)
            return None
        if entry is not None and self.engine.inspect(entry.image_id):
            return None
        try:
            digest = entry.digest if isinstance(entry, Pulled) else None
            self.entries[name] = self.registries.pull(name, service, service.official, images.registry, digest)
        except RegistryFailure as failure:
            if images.source == "registry" or service.packages is None:
                return failure
            self.to_make[name] = failure.cause
        return None

    def _want_made(self, name: str, service: Service | Host, entry: Made | None) -> None:
        """Have it made from packages, unless the image that is locked is there and of the present recipe."""
        reason = entry.reason if entry and self.spec.images.source == "auto" else ""
        if service.official is None and self.spec.images.source != "packages":
            reason = _NO_OFFICIAL
        current = entry is not None and (entry.recipe, entry.reason) == (packages.plan(name, service).recipe, reason)
        if entry is None or not current or self.engine.inspect(entry.image_id) is None:
            self.to_make[name] = reason


def _cause(failure: PointsmanError | RegistryFailure) -> str:
    return failure.cause if isinstance(failure, RegistryFailure) else str(failure)


def _check_recipes(wanted: Sequence[str], images: Images, catalogue: Catalogue) -> None:
    for name in wanted:
        if name == LOG_AGENT or name in OPTIONAL or images.source != "packages":
            continue
        if catalogue.image(name).packages is None:
            raise packages.no_recipe(name)


def _unobtainable(failures: list[PointsmanError | RegistryFailure]) -> UnreachableError:
    lines = "\n".join(f"  {failure}" for failure in failures)
    remedies = dict.fromkeys(failure.remedy for failure in failures)
    return UnreachableError(f"{len(failures)} image(s) cannot be had:\n{lines}", remedy="; ".join(remedies))
