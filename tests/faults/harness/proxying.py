"""toxiproxy in a service's place on the network: what the others ask of the service goes through it.

What the machine asks of the service's published port does not.
"""

from __future__ import annotations

import time
from typing import Any

import httpx

from pointsman.targets.docker import names
from tests.faults.harness import bodies, steps
from tests.faults.harness.faults import ConnectionReset, ConnectionSlow
from tests.faults.harness.place import NotVerifiable, Place
from tests.faults.harness.prepared import Prepared

ADMIN_PORT = 8474
PROGRAM = "/toxiproxy"
START_SECONDS = 20.0
POLL_SECONDS = 0.1


def behind_proxy(fault: ConnectionSlow | ConnectionReset, place: Place) -> Prepared:
    """The proxy takes the service's name; the service goes by another one, which the proxy alone knows."""
    if not place.proxy_image:
        raise NotVerifiable("there is no image of toxiproxy: pointsman images ensure")
    plan = place.plan(fault.service)
    aliases = bodies.body(place.facts(fault.service)).networks[plan.network]
    proxy, behind = f"{plan.name}-fault", f"{fault.service}-behind"

    def act() -> None:
        with httpx.Client(base_url=_start(place, proxy), trust_env=False) as admin:
            _until_up(admin)
            for port in _ports(fault.service, place):
                body = {"name": str(port), "listen": f"0.0.0.0:{port}", "upstream": f"{behind}:{port}"}
                admin.post("/proxies", json=body).raise_for_status()
                admin.post(f"/proxies/{port}/toxics", json=_toxic(fault)).raise_for_status()
        before = place.address(fault.service)
        place.engine.disconnect_container_from_network(plan.name, plan.network)
        # In between, so that the proxy and not the service gets the address that open connections lead to.
        place.engine.connect_container_to_network(proxy, plan.network, aliases=list(aliases))
        place.engine.connect_container_to_network(plan.name, plan.network, aliases=[behind])
        assert place.address(fault.service) != before, f"open connections still lead to {fault.service}"

    return Prepared(act, (steps.Remove(proxy), steps.Connect(plan.name, plan.network, aliases)))


def _ports(name: str, place: Place) -> list[int]:
    return [each.port for each in place.declared.service(name).exposed]


def _toxic(fault: ConnectionSlow | ConnectionReset) -> dict[str, Any]:
    # Toxics as in https://github.com/Shopify/toxiproxy#toxics; a timeout of 0 ms resets at once.
    match fault:
        case ConnectionSlow():
            return {"type": "latency", "stream": "downstream", "attributes": {"latency": fault.latency}}
        case ConnectionReset():
            return {"type": "reset_peer", "stream": "downstream", "attributes": {"timeout": 0}}


def _start(place: Place, name: str) -> str:
    """Starts the proxy on Docker's default network, with its interface for administration on loopback alone."""
    engine, declared = place.engine, place.declared
    made = engine.create_container(
        place.proxy_image,
        ["-host=0.0.0.0", f"-port={ADMIN_PORT}"],
        entrypoint=[PROGRAM],
        name=name,
        labels=names.label_set(declared.estate_id, declared.environment),
        ports=[ADMIN_PORT],
        host_config=engine.create_host_config(port_bindings={ADMIN_PORT: ("127.0.0.1",)}),
    )
    engine.start(made["Id"])
    found: list[dict[str, str]] = engine.port(made["Id"], ADMIN_PORT) or []
    return f"http://127.0.0.1:{found[0]['HostPort']}"


def _until_up(admin: httpx.Client) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            admin.get("/version").raise_for_status()
        except httpx.HTTPError:
            assert time.monotonic() < deadline, "toxiproxy does not answer"
            time.sleep(POLL_SECONDS)
        else:
            return
