"""Runs the suite on hosts: each over one connection, several at the same time."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pointsman.checks import Check, Report, failed, not_verifiable, passed
from pointsman.deadline import Deadline
from pointsman.declared import Declared
from pointsman.errors import PointsmanError, UsageError
from pointsman.hosts.planning import HostPlan
from pointsman.hosts.proving import signals
from pointsman.hosts.proving.subject import Subject
from pointsman.hosts.proving.suite import ARRIVED, CHECKS, REACHED, Look
from pointsman.http_client import new_client
from pointsman.inventory import read_inventory
from pointsman.plays import Way, failures, ssh_config
from pointsman.targets.docker import engine, names
from pointsman.verify.site import ANSWER_SECONDS, Site

if TYPE_CHECKING:
    from docker import APIClient

Progress = Callable[[Check], None]
# A machine that is down is told soon; one that is far away answers within this.
SSH_SECONDS = 5
# What is on its way to Prometheus or Loki may take so long, from when the host is reached.
ARRIVAL_SECONDS = 15.0
MOST_AT_ONCE = 16


def prove(declared: Declared, wanted: Sequence[str] = (), *, progress: Progress = lambda check: None) -> Report:
    """Every check of every host, or of those that `wanted` names (hosts or groups of the inventory).

    A host that is not reached has one red check; its others are not verifiable. Raises UsageError for a name that the
    inventory does not have, and where there are no hosts; UnreachableError when the engine of containers does not
    answer.
    """
    hosts = chosen(declared, wanted)
    config = ssh_config(
        declared.environment, read_inventory(declared.environment), containers=any(host.container for host in hosts)
    )
    with ExitStack() as stack:
        docker = stack.enter_context(engine.connect())
        client = stack.enter_context(new_client(ANSWER_SECONDS))
        running = engine.containers(docker, declared.estate_id, declared.environment)
        site = Site(declared, running, client, Deadline.within(0))
        addresses = {host.name: _address(docker, declared.environment, host) for host in hosts}
        pool = stack.enter_context(ThreadPoolExecutor(MOST_AT_ONCE))
        prover = partial(_host, site, config, addresses)
        found: list[Check] = []
        for checks in pool.map(prover, hosts):
            for check in checks:
                progress(check)
            found += checks
    return Report(tuple(found))


def chosen(declared: Declared, wanted: Sequence[str]) -> list[HostPlan]:
    """The plans of the hosts that are named, by their own names or their groups'; all where none is."""
    if not declared.hosts:
        raise UsageError(
            f"environment {declared.environment} has no hosts",
            remedy=f"declare runners.hosts in stacks/{declared.environment}.yaml",
        )
    selected = {host.name for host in read_inventory(declared.environment).select(*wanted)}
    return [plan for plan in declared.hosts if plan.name in selected]


def _address(docker: APIClient, environment: str, host: HostPlan) -> str:
    """Where this machine knocks at a host's own ports: a container's own address, a machine's as plays reach it."""
    if not host.container:
        return str(host.variables.get("ansible_host") or host.name)
    from docker.errors import NotFound

    try:
        facts = docker.inspect_container(names.container(environment, host.name))
    except NotFound:
        return ""
    networks = facts["NetworkSettings"]["Networks"].values()
    return next((str(each["IPAddress"]) for each in networks if each["IPAddress"]), "")


def _host(site: Site, config: Path, addresses: Mapping[str, str], plan: HostPlan) -> list[Check]:
    checks = list(_looked(site, config, addresses[plan.name], plan))
    return [replace(check, group=f"host {plan.name}", service=plan.name) for check in checks]


def _looked(site: Site, config: Path, address: str, plan: HostPlan) -> Iterator[Check]:
    way = Way.of(site.declared.environment, plan.name, plan.variables, container=plan.container)
    first, seconds = _timed(lambda: [_reached(way)])
    yield from _spread(first, seconds)
    if first[0].remedy:
        yield from (not_verifiable(name, f"the host is not reached over SSH: see {REACHED}") for name in CHECKS)
        yield not_verifiable(ARRIVED, f"the host is not reached over SSH: see {REACHED}")
        return
    import testinfra

    spec, options = f"ssh://{plan.name}", {"ssh_config": str(config), "controlpersist": 0}
    host = Subject(
        declared=site.declared,
        plan=plan,
        way=way,
        config=config,
        remote=testinfra.get_host(spec, sudo=True, **options),
        account=testinfra.get_host(spec, **options),
        site=replace(site, deadline=Deadline.within(ARRIVAL_SECONDS)),
        address=address,
    )
    try:
        word = signals.mark(host)
    except (PointsmanError, RuntimeError) as error:
        word = ""
        yield failed("journal of the host", str(error), expected="takes a line", remedy=f"ssh -F {config} {plan.name}")
    every: dict[str, Look] = {**CHECKS, ARRIVED: partial(signals.logs, word=word)}
    for name, look in every.items():
        found, seconds = _timed(partial(_guarded, host, name, look))
        yield from _spread(found, seconds)


def _reached(way: Way) -> Check:
    """A connection of its own, so that one that is still shared does not hide a host that is gone."""
    try:
        way.checked()
        done = subprocess.run(
            way.command("sudo -n true", seconds=SSH_SECONDS),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=2 * SSH_SECONDS,
            check=False,
        )
        said, code = done.stderr.decode("utf-8", "replace"), done.returncode
    except subprocess.TimeoutExpired:
        said, code = "Connection timed out", failures.SSH_FAILED
    except PointsmanError as error:
        return failed(REACHED, error.message, expected="a session", remedy=error.remedy or "see the message")
    if code == 0:
        return passed(REACHED, f"{way.address}:{way.port}, with sudo")
    fault = failures.of_connection(way, said, code)
    return failed(REACHED, fault.message, expected="a session with sudo", remedy=fault.remedy or "see the message")


def _guarded(host: Subject, name: str, look: Look) -> list[Check]:
    """A host that answers with something else altogether is red, and the other checks go on."""
    expected = "an answer that can be read"
    try:
        found = look(host)
    except PointsmanError as error:
        return [host.refused(name, str(error).partition("\nnext: ")[0], expected, remedy=error.remedy)]
    except (OSError, ValueError, LookupError, TypeError, RuntimeError, subprocess.SubprocessError) as error:
        return [host.refused(name, f"{type(error).__name__}: {str(error)[:200]}", expected)]
    return found if isinstance(found, list) else [found]


def _timed(look: Callable[[], list[Check]]) -> tuple[list[Check], float]:
    started = time.monotonic()
    return look(), time.monotonic() - started


def _spread(checks: list[Check], seconds: float) -> Iterator[Check]:
    """The first of what one look found has its time."""
    for place, check in enumerate(checks):
        yield replace(check, seconds=round(seconds, 3) if place == 0 else 0.0)
