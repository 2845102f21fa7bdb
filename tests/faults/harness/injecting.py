"""What each fault does and what undoes it. `prepare` only looks; nothing is touched before `act` is called."""

from __future__ import annotations

from dataclasses import replace
from functools import partial, singledispatch

from pointsman.services.model import Config, HttpReload
from tests.faults.harness import bodies, filling, mounts, netns, proxying, skewing, steps
from tests.faults.harness.faults import (
    ClockSkew,
    ConfigBroken,
    ConnectionReset,
    ConnectionSlow,
    ContainerKilled,
    ContainerPaused,
    ContainerRemoved,
    CpuStarved,
    DiskFull,
    DnsBroken,
    Fault,
    MemoryLimit,
    MountEmptied,
    NetworkCut,
    NetworkCutOneWay,
    WrongCredentials,
)
from tests.faults.harness.place import Place
from tests.faults.harness.prepared import Prepared

# Docker's own resolver, in every container on a network that is not the default one.
RESOLVER = "127.0.0.11"
# Refused at once and not dropped: a lookup would otherwise end with whatever waits for it, its cause untold.
NO_NAMES = ("-d", RESOLVER, "-j", "REJECT")


def prepare(fault: Fault, place: Place) -> Prepared:
    """Looks at what is there. Raises NotVerifiable with the reason where the fault cannot be injected.

    A container that is not of the environment is refused before anything else is asked.
    """
    place.facts(fault.service)
    return _prepare(fault, place)


@singledispatch
def _prepare(fault: Fault, place: Place) -> Prepared:
    raise TypeError(f"no way to inject {fault}")


@_prepare.register
def _(fault: ContainerKilled, place: Place) -> Prepared:
    name = place.plan(fault.service).name
    return Prepared(partial(place.engine.kill, name, "KILL"), (steps.Start(name),))


@_prepare.register
def _(fault: ContainerPaused, place: Place) -> Prepared:
    name = place.plan(fault.service).name
    return Prepared(partial(place.engine.pause, name), (steps.Start(name),))


@_prepare.register
def _(fault: ContainerRemoved, place: Place) -> Prepared:
    body = bodies.body(place.facts(fault.service))
    return Prepared(partial(place.engine.remove_container, body.name, force=True), (steps.Recreate(body),))


@_prepare.register
def _(fault: WrongCredentials, place: Place) -> Prepared:
    body = bodies.body(place.facts(fault.service))
    act = partial(bodies.replace_container, place.engine, body.without_groups())
    return Prepared(act, (steps.Recreate(body),))


@_prepare.register
def _(fault: ClockSkew, place: Place) -> Prepared:
    folder = place.library
    return Prepared(partial(skewing.turn, folder, -fault.seconds), (steps.TurnBack(str(folder)),))


_prepare.register(DiskFull, filling.disk_full)
_prepare.register(ConnectionSlow, proxying.behind_proxy)
_prepare.register(ConnectionReset, proxying.behind_proxy)


@_prepare.register
def _(fault: ConfigBroken, place: Place) -> Prepared:
    from pointsman.resources.provider import releases

    config, plan = _config(fault.service, place), place.plan(fault.service)
    volume = plan.volumes[0].volume
    user = int(plan.user.partition(":")[0])
    live = releases.Volume(place.engine, plan.name, config.directory).live()
    assert live is not None, f"{fault.service} has no live release to go back to"
    broken = dict.fromkeys(config.files, fault.text)

    def act() -> None:
        writer = f"{volume}-fault"
        with releases.opened(place.engine, volume, config.directory, plan.image_id, writer, {}) as opened:
            opened.write(live.other, broken, user)
            opened.point(live.other)
        if not isinstance(config.reload, HttpReload):
            steps.restart(place.engine, plan.name)
            return
        _reload(place, fault.service, config.reload)

    point = steps.PointConfig(plan.name, volume, config.directory, plan.image_id, live.slot)
    return Prepared(act, (point,))


@_prepare.register
def _(fault: MountEmptied, place: Place) -> Prepared:
    plan = place.plan(fault.service)
    volume = next(each.volume for each in plan.volumes if each.volume.endswith(f"-{fault.volume}"))
    folder = place.mountpoint(volume)
    return Prepared(partial(mounts.move_away, folder), (steps.MoveBack(str(folder), plan.name),))


@_prepare.register
def _(fault: MemoryLimit, place: Place) -> Prepared:
    before = _limits(fault.service, place)
    assert fault.limit < before.memory, f"{fault.limit} bytes are no less than {fault.service} has"
    wanted = replace(before, memory=fault.limit, memory_swap=fault.limit)
    return Prepared(partial(wanted.apply, place.engine), (before,))


@_prepare.register
def _(fault: CpuStarved, place: Place) -> Prepared:
    before = _limits(fault.service, place)
    wanted = replace(before, nano_cpus=int(fault.cpus * 1e9))
    return Prepared(partial(wanted.apply, place.engine), (before,))


@_prepare.register
def _(fault: NetworkCut, place: Place) -> Prepared:
    plan = place.plan(fault.service)
    aliases = bodies.body(place.facts(fault.service)).networks[plan.network]
    act = partial(place.engine.disconnect_container_from_network, plan.name, plan.network)
    return Prepared(act, (steps.Connect(plan.name, plan.network, aliases),))


@_prepare.register
def _(fault: NetworkCutOneWay, place: Place) -> Prepared:
    name, process = place.plan(fault.service).name, place.namespace(fault.service)
    # Of connections that the service opened only: its answers to the other one go through.
    rule = ("-d", f"{place.address(fault.to)}/32", "-m", "conntrack", "--ctdir", "ORIGINAL", "-j", "DROP")
    return Prepared(partial(netns.add_rule, process, rule), (steps.DeleteRule(name, rule),))


@_prepare.register
def _(fault: DnsBroken, place: Place) -> Prepared:
    name, process, own = place.plan(fault.service).name, place.namespace(fault.service), place.address(fault.service)

    def act() -> None:
        netns.add_rule(process, NO_NAMES)
        netns.cut_connections(process, own)

    return Prepared(act, (steps.DeleteRule(name, NO_NAMES),))


def _config(service: str, place: Place) -> Config:
    found = place.declared.service(service).config
    assert found is not None, f"{service} has no config"
    return found


def _limits(service: str, place: Place) -> steps.Limits:
    found = place.facts(service)["HostConfig"]
    return steps.Limits(place.plan(service).name, found["Memory"], found["MemorySwap"], found["NanoCpus"])


def _reload(place: Place, service: str, how: HttpReload) -> None:
    import httpx

    url = f"{place.declared.url(place.declared.service(service))}{how.path}"
    answer = httpx.post(url, trust_env=False)
    assert answer.is_error, f"{service} took a config that it was to refuse"
