"""Registry mode: a tag is resolved to the digest that the registry serves, then only that digest is pulled."""

from __future__ import annotations

from pointsman.builds import Progress
from pointsman.errors import UnreachableError
from pointsman.images.catalogue import Official, Service, in_registry
from pointsman.images.engine import Engine
from pointsman.images.failures import RegistryFailure, registry_host
from pointsman.images.lock import Pulled


class Registries:
    """The registries as far as one run uses them. A host that did not answer once is not asked again.

    `unreachable` (reason by host) may start with what an earlier run found.
    """

    def __init__(self, engine: Engine, progress: Progress, unreachable: dict[str, str]) -> None:
        self.engine = engine
        self.progress = progress
        self.unreachable = unreachable

    def pull(
        self, name: str, service: Service, official: Official, mirror: str | None, digest: str | None = None
    ) -> Pulled:
        """The service's `official` image, at `digest` or at what its tag stands for now.

        `mirror` is the registry to use in place of the official one. Raises RegistryFailure when the image cannot be
        had, UnreachableError when the engine's disk is full: no other source would help.
        """
        repository = in_registry(official.repository, mirror)
        if reason := self.unreachable.get(registry_host(repository)):
            raise RegistryFailure("unreachable", f"{repository}:{official.tag}", reason)
        task = f"pull/{name}"
        self.progress.plan([(task, service.version, 0.0)])
        self.progress.start(task)
        try:
            pulled = self._pull(task, repository, service, official.tag, digest)
        except RegistryFailure as failure:
            self.progress.fail(task)
            if failure.kind == "unreachable":
                self.unreachable.setdefault(failure.host, failure.reason)
            if failure.kind == "disk":
                raise UnreachableError(str(failure), remedy=failure.remedy) from failure
            raise
        except BaseException:
            self.progress.fail(task)
            raise
        self.progress.finish(task, pulled.digest[:19])
        return pulled

    def _pull(self, task: str, repository: str, service: Service, tag: str, digest: str | None) -> Pulled:
        host = registry_host(repository)
        self.progress.report(task, f"asking {host}")
        # Asked for a pinned digest too: this answer is bounded in time, and says what is missing.
        wanted = self.engine.digest_of(repository, digest or tag)
        image = self.engine.pull(repository, wanted, lambda text, part: self.progress.report(task, text, part))
        if not any(seen.endswith(f"@{wanted}") for seen in image.digests):
            raise RegistryFailure("other", f"{repository}:{tag}", f"asked for {wanted}, got {list(image.digests)}")
        return Pulled(
            version=service.version,
            image_id=image.id,
            user=service.user.id,
            repository=repository,
            tag=tag,
            digest=wanted,
        )
