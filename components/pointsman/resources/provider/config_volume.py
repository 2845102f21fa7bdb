"""`pointsman:index:ConfigVolume`: config that is validated, released, loaded and proved, or rolled back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pointsman.errors import PointsmanError
from pointsman.resources.provider import releases, secret_files, verdicts
from pointsman.resources.provider.kinds import Cancellation, Change, Failure, Props
from pointsman.resources.provider.loading import Loader, validate
from pointsman.resources.provider.releases import Live, Volume
from pointsman.services import labels as label_names
from pointsman.targets.docker.engine import connect, inspect

if TYPE_CHECKING:
    from docker import APIClient


@dataclass(frozen=True)
class Inputs:
    """What a config volume is made from.

    `files` are path → text below `directory`, where `container` mounts the volume; they belong to the numeric `user`.
    `image` is the image id that the container is to run, `fingerprint` names its plan. `validate` is a command in that
    image with `{release}` for the files' folder; empty for a service that has no validator. `reload` is
    `{kind: restart}` or `{kind: http, path, succeeded, at}`. A change of only files under a prefix in `watched` needs
    no reload; `watched_metric` tells, by file name, the modification time of each as the service read it last.
    `secrets` are path → where the secret is (`file` or `environment`; `generated` where it is ours to make).
    """

    volume: str
    labels: dict[str, str]
    files: dict[str, str]
    directory: str
    image: str
    user: int
    container: str
    fingerprint: str
    validate: list[str]
    watched: tuple[str, ...]
    watched_metric: str
    reload: dict[str, str]
    base_url: str
    ready_path: str
    secrets: dict[str, Props]

    @classmethod
    def of(cls, props: Props) -> Inputs:
        """Typed inputs from the engine's properties."""
        return cls(
            volume=props["volume"],
            labels=props["labels"],
            files=props["files"],
            directory=props["directory"],
            image=props["image"],
            user=props["user"],
            container=props["container"],
            fingerprint=props["fingerprint"],
            validate=props["validate"],
            watched=tuple(props["watched"]),
            watched_metric=props["watchedMetric"],
            reload=props["reload"],
            base_url=props["baseUrl"],
            ready_path=props["readyPath"],
            secrets=props.get("secrets", {}),
        )


class ConfigVolumeKind:
    """Validate → write beside the last good release → put in force → reload or restart → prove, else roll back.

    Outputs: `release`, the digest of the files in force; `secretsSeen`, what tells the secrets there from others.
    """

    def check(self, inputs: Props) -> list[Failure]:
        """Paths must stay inside the directory, and there must be files; those that are not known yet are let pass."""
        if "files" not in inputs:
            return []
        files = inputs["files"]
        if not files:
            return [Failure("files", "no files: expected at least one")]
        return [
            Failure(f'files["{path}"]', "expected a relative path inside the directory, without `..`")
            for path in files
            if path.startswith(".") or {"", ".", ".."} & {*path.split("/")}
        ]

    def diff(self, old_inputs: Props, state: Props, inputs: Props) -> Change:
        """The files that differ, line by line; a volume under another name is another resource.

        A new image or plan alone is no change: the files stay, and the container's own replacement takes them.
        """
        if old_inputs.get("volume") != inputs.get("volume"):
            return Change(("volume",), replace=True)
        old, new = old_inputs.get("files", {}), inputs.get("files", {})
        changed = [f'files["{path}"]' for path in sorted({*old, *new}) if old.get(path) != new.get(path)]
        if not changed and state.get("release") != releases.digest(new):
            changed = ["release"]
        changed += [key for key in ("user", "directory", "secrets") if old_inputs.get(key) != inputs.get(key)]
        # Who previews may not be who has the secrets: those that cannot be read are taken to be what they were.
        if inputs.get("secrets") and secret_files.seen(inputs["secrets"]) not in (None, state.get("secretsSeen")):
            changed.append("secretsSeen")
        return Change(tuple(changed))

    def create(self, inputs: Props, cancellation: Cancellation) -> tuple[str, dict[str, Any]]:
        """Makes the volume with its first release; adopts one that a killed run left."""
        wanted = Inputs.of(inputs)
        return wanted.volume, self._release({}, wanted, cancellation)

    def update(self, state: Props, inputs: Props, cancellation: Cancellation) -> dict[str, Any]:
        """Puts new files in force."""
        return self._release(state.get("files", {}), Inputs.of(inputs), cancellation)

    def read(self, state: Props, cancellation: Cancellation) -> dict[str, Any] | None:
        """The release that the container really sees; None when the volume is gone."""
        from docker.errors import NotFound

        # Only these three keys, which every version has written: a state made by an older Pointsman can be read.
        volume, container, directory = state["volume"], state["container"], state["directory"]
        with connect() as client:
            try:
                client.inspect_volume(volume)
            except NotFound:
                return None
            for leftover in (_writer(volume), _validator(volume)):
                releases.remove_writer(client, leftover)
            try:
                client.inspect_container(container)
            except NotFound:
                # Without a container nothing shows the volume; the next one takes what the state says.
                return {}
            live = Volume(client, container, directory).live()
        return {"release": live.release if live else ""}

    def delete(self, state: Props, cancellation: Cancellation) -> None:
        """Removes the volume: config is made again from the spec."""
        from docker.errors import NotFound

        volume = state["volume"]
        with connect() as client:
            releases.remove_writer(client, _writer(volume))
            try:
                client.remove_volume(volume, force=True)
            except NotFound:
                return

    def _release(self, old_files: dict[str, str], wanted: Inputs, cancellation: Cancellation) -> dict[str, Any]:
        # First: of a release without its secrets not even the volume is made.
        values = secret_files.read(wanted.secrets)
        labels, writer = _unowned(wanted.labels), _writer(wanted.volume)
        with (
            connect() as client,
            releases.opened(client, wanted.volume, wanted.directory, wanted.image, writer, labels) as volume,
        ):
            before = volume.live()
            slot = before.other if before else releases.SLOTS[0]
            written = volume.write(slot, wanted.files, wanted.user, values)
            if wanted.validate:
                _validate(client, wanted, slot, labels)
            volume.point(slot)
            if _runs_as_planned(client, wanted):
                known = old_files if before and before.release == releases.digest(old_files) else {}
                changed = {path for path in {*known, *wanted.files} if known.get(path) != wanted.files.get(path)}
                loader = Loader(
                    client, wanted.container, wanted.base_url, wanted.ready_path, wanted.reload, cancellation
                )
                if changed and all(path.startswith(wanted.watched) for path in changed):
                    live = [f"{wanted.directory}/{releases.LINK}/{path}" for path in changed & {*wanted.files}]
                    loader.until_read(wanted.watched_metric, live, written)
                else:
                    _load_or_roll_back(loader, volume, before)
        return {"release": releases.digest(wanted.files), "secretsSeen": secret_files.fingerprint(values)}


def _validate(client: APIClient, wanted: Inputs, slot: str, labels: dict[str, str]) -> None:
    asked = (wanted.image, wanted.user, wanted.validate, wanted.files)
    if verdicts.known_good(*asked):
        return
    validator = _validator(wanted.volume)
    releases.remove_writer(client, validator)
    command = [part.replace("{release}", f"{wanted.directory}/{slot}") for part in wanted.validate]
    validate(client, command, validator, wanted, labels)
    verdicts.remember(*asked)


def _load_or_roll_back(loader: Loader, volume: Volume, before: Live | None) -> None:
    try:
        loader.load()
    except PointsmanError as refused:
        if before is None:
            raise
        volume.point(before.slot)
        loader.load()
        raise PointsmanError(
            f"{refused.message}; rolled back to release {before.release}, which is loaded again",
            detail=refused.detail,
            remedy="mend the spec, then run the same command again",
        ) from refused


def _runs_as_planned(client: APIClient, wanted: Inputs) -> bool:
    """Whether the container runs and will stay: one about to be replaced takes the files when it starts."""
    running = inspect(client, wanted.container)
    return running is not None and running.status == "running" and running.fingerprint == wanted.fingerprint


def _writer(volume: str) -> str:
    """The container that writes releases; it never runs."""
    return f"{volume}-writer"


def _validator(volume: str) -> str:
    """The container that validates a release; it is gone after."""
    return f"{volume}-validator"


def _unowned(labels: dict[str, str]) -> dict[str, str]:
    """The labels without the service's name, so that a short-lived container is not taken for the service."""
    return {name: value for name, value in labels.items() if name != label_names.SERVICE}
