"""The Pulumi program: which resources an environment becomes, what they are told, and what comes out of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest

from pointsman.declared import Declared
from pointsman.errors import PointsmanError, UsageError
from pointsman.resources.provider.config_volume import Inputs
from pointsman.resources.provider.protocol import from_struct
from pointsman.targets.docker.container import STOP_SECONDS
from pointsman.targets.docker.program import DockerTarget
from tests.program.recording import ESTATE, PROGRAM, Recording, made, run_program, run_with

CHECKOUT = PROGRAM.parents[1]
CONTAINER = "docker:index/container:Container"
VOLUME = "docker:index/volume:Volume"
CONFIG = "pointsman:index:ConfigVolume"
READINESS = "pointsman:index:Readiness"

# What each service has beside its container and its readiness.
STACK = {
    "alert-sink": (),
    "alertmanager": (CONFIG, VOLUME),
    "board": (CONFIG,),
    "collector": (CONFIG, VOLUME),
    "log-agent": (CONFIG, VOLUME),
    "loki": (CONFIG, VOLUME),
    "notifier": (CONFIG,),
    "prometheus": (CONFIG, VOLUME),
    "socket-proxy": (),
    "tempo": (CONFIG, VOLUME),
}
EXPORTERS = {"blackbox": (CONFIG,), "node-exporter": (), "pushgateway": ()}
NAMES = {CONTAINER: "{}", VOLUME: "{}-data", CONFIG: "{}-config", READINESS: "{}-ready"}


def below(services: Mapping[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    """Types and names of all resources of a component's services, sorted."""
    return sorted(
        (kind, NAMES[kind].format(name)) for name, more in services.items() for kind in (CONTAINER, READINESS, *more)
    )


TREE = {
    "pointsman-dev": [
        ("docker:index/network:Network", "pointsman-dev"),
        ("pointsman:index:Exporters", "exporters"),
        ("pointsman:index:ObservabilityStack", "observability"),
        ("pulumi:providers:docker", "dev-docker"),
    ],
    "observability": below(STACK),
    "exporters": below(EXPORTERS),
}
NO_EXPORTERS = "exporters: {node: {enabled: false}, blackbox: {enabled: false}, pushgateway: {enabled: false}}"


@pytest.fixture(scope="module")
def dev() -> Recording:
    """The default environment."""
    with pytest.MonkeyPatch.context() as patch:
        return run_program(made("dev"), patch)


def test_every_resource_and_its_place(dev: Recording) -> None:
    """Exactly these, under these names: another name or place would replace what runs."""
    assert dev.children == TREE


def test_without_exporters(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is switched off leaves nothing behind but the component it would be in; all else stays as it was."""
    found = run_program(made("dev", NO_EXPORTERS), monkeypatch)
    assert found.children == {parent: below for parent, below in TREE.items() if parent != "exporters"}
    assert found.outputs["exporters"] == {"urls": {}}
    files = found.named("prometheus-config").inputs["files"]
    for name in EXPORTERS:
        assert f"{name}:" not in files["prometheus.yml"]


def test_grafana_where_it_can_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the registry's images it is there and no board, and a log agent of another kind under the same names."""
    found = run_program(made("dev", agent="alloy"), monkeypatch)
    with_grafana = {name: parts for name, parts in STACK.items() if name != "board"} | {"grafana": (CONFIG, VOLUME)}
    assert found.children == TREE | {"observability": below(with_grafana)}
    assert found.outputs["pointsman-dev"]["urls"]["grafana"] == "http://127.0.0.1:3003"
    variables = found.named("grafana", CONTAINER).inputs["envs"]
    assert "GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION=true" in variables
    assert variables == sorted(variables)


def test_an_existing_prometheus_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is made of it; it is asked at its own address."""
    declared = made("dev", "prometheus: {existing: 'http://prometheus.example.org:9090'}")
    found = run_program(declared, monkeypatch)
    assert found.children == TREE | {"observability": below({k: v for k, v in STACK.items() if k != "prometheus"})}
    assert declared.url(declared.service("prometheus")) == "http://prometheus.example.org:9090"
    assert declared.urls()["prometheus"] == "http://prometheus.example.org:9090"


def test_outputs(dev: Recording) -> None:
    """The stack tells where each published service is reached, a component where its own are."""
    stack = {
        "alert-sink": "http://127.0.0.1:9096",
        "notifier": "http://127.0.0.1:9002",
        "alertmanager": "http://127.0.0.1:9093",
        "board": "http://127.0.0.1:3003",
        "collector": "http://127.0.0.1:4318",
        "log-agent": "http://127.0.0.1:9080",
        "loki": "http://127.0.0.1:3100",
        "prometheus": "http://127.0.0.1:9090",
        "tempo": "http://127.0.0.1:3200",
    }
    exporters = {
        "blackbox": "http://127.0.0.1:9115",
        "node-exporter": "http://127.0.0.1:9100",
        "pushgateway": "http://127.0.0.1:9091",
    }
    assert dev.outputs["pointsman-dev"] == {"urls": stack | exporters}
    assert dev.outputs["observability"] == {"urls": stack}
    assert dev.outputs["exporters"] == {"urls": exporters}


def test_every_port_of_the_collector_is_published(dev: Recording) -> None:
    """A service may have several ports; each is on the machine under the number that the spec gives it."""
    ports = dev.named("collector", CONTAINER).inputs["ports"]
    assert {(port["internal"], port["external"]) for port in ports} == {
        (4318, 4318),
        (4317, 4317),
        (8888, 8888),
        (13133, 13133),
    }
    assert [port["internal"] for port in dev.named("tempo", CONTAINER).inputs["ports"]] == [3200]


def test_a_container(dev: Recording) -> None:
    """Every input of Loki's container: least rights, limits set twice so that no `up` differs, loopback ports only."""
    inputs = dict(dev.named("loki", CONTAINER).inputs)
    labels = {each["label"]: each["value"] for each in inputs.pop("labels")}
    assert labels.pop("dev.pointsman.fingerprint")
    assert labels == {
        "dev.pointsman.environment": "dev",
        "dev.pointsman.estate": ESTATE,
        "dev.pointsman.image": "pointsman/loki:1.2.3-0123456789ab",
        "dev.pointsman.service": "loki",
    }
    assert inputs == {
        "name": "pointsman-dev-loki",
        "image": "sha256:" + "2".zfill(64),
        "entrypoints": ["/usr/bin/loki"],
        "command": ["-config.file=/etc/loki/current/loki.yml"],
        "envs": [f"GOMEMLIMIT={int(0.8 * 512 * 2**20)}"],
        "user": "10001:10001",
        "readOnly": True,
        "capabilities": {"drops": ["ALL"]},
        "securityOpts": ["no-new-privileges:true"],
        "tmpfs": {"/tmp": "size=16m"},
        "memory": 512,
        "memorySwap": 512,
        "cpus": "1.0",
        "networkMode": "bridge",
        "networksAdvanced": [{"name": "pointsman-dev", "aliases": ["loki"]}],
        "ports": [{"internal": 3100, "external": 3100, "ip": "127.0.0.1"}],
        "volumes": [
            {"volumeName": "pointsman-dev-loki-config", "containerPath": "/etc/loki", "readOnly": True},
            {"volumeName": "pointsman-dev-loki-data", "containerPath": "/loki", "readOnly": False},
        ],
        "logDriver": "json-file",
        "logOpts": {"max-file": "3", "max-size": "10485760"},
        "restart": "unless-stopped",
        "mustRun": True,
        "stopTimeout": STOP_SECONDS,
        "destroyGraceSeconds": STOP_SECONDS,
    }


def test_no_container_has_rights_or_an_open_port(dev: Recording) -> None:
    """What holds for one holds for all: no root, no capability, nothing writable but data, nothing beyond loopback."""
    containers = [each.inputs for each in dev.resources if each.type == CONTAINER]
    assert len(containers) == len(STACK) + len(EXPORTERS)
    for inputs in containers:
        name = inputs["name"]
        assert not inputs["user"].startswith("0:"), name
        assert (inputs["readOnly"], inputs["capabilities"]) == (True, {"drops": ["ALL"]}), name
        assert inputs["memory"] == inputs["memorySwap"] > 0, name
        assert {port["ip"] for port in inputs.get("ports", [])} <= {"127.0.0.1"}, name
        assert all(each["readOnly"] for each in inputs.get("volumes", []) if "hostPath" in each), name
        assert {"uploads", "privileged", "pidMode", "ipcMode"}.isdisjoint(inputs), name
        # The environment is no place for secrets: all that is in it is Go's limit of memory.
        assert all(each.startswith("GOMEMLIMIT=") for each in inputs.get("envs", [])), name


def test_the_socket_proxy(dev: Recording) -> None:
    """It alone has the socket and its group, and no port on the machine."""
    inputs = dev.named("socket-proxy", CONTAINER).inputs
    assert "ports" not in inputs
    assert inputs["groupAdds"] == ["998"]
    assert inputs["volumes"] == [
        {"hostPath": "/var/run/docker.sock", "containerPath": "/var/run/docker.sock", "readOnly": True}
    ]
    assert [each.name for each in dev.resources if "groupAdds" in each.inputs] == ["socket-proxy"]


def test_only_data_outlives_a_destroy(dev: Recording) -> None:
    """A plain `pulumi destroy` keeps the data volumes and removes all the rest."""
    wanted = {f"{name}-data" for name, more in STACK.items() if VOLUME in more}
    assert {each.name for each in dev.resources if each.retain_on_delete} == wanted


def test_what_starts_after_what(dev: Recording) -> None:
    """A container waits for its volumes and for the proof of the services it needs; readiness waits for its container.

    Nothing waits that need not: the log agent starts beside Loki, and tries again until it answers.
    """
    after = {each.name: each.depends_on for each in dev.resources if each.type in (CONTAINER, READINESS)}
    assert after["loki"] == {"pointsman-dev", "loki-config", "loki-data"}
    assert after["prometheus"] == {"pointsman-dev", "prometheus-config", "prometheus-data"}
    assert after["log-agent"] == {
        "pointsman-dev",
        "log-agent-config",
        "log-agent-data",
        "socket-proxy-ready",
    }
    assert after["collector"] == {"pointsman-dev", "collector-config", "collector-data", "socket-proxy-ready"}
    assert after["loki-ready"] == {"loki"}


def test_docker_resources_use_the_environments_provider(dev: Recording) -> None:
    """No resource falls back on a default provider, which would talk to another engine than the checks do."""
    docker = [each for each in dev.resources if each.type.startswith("docker:")]
    assert {each.provider for each in docker} == {"dev-docker"}
    assert dev.named("dev-docker").inputs["host"] == "unix:///var/run/docker.sock"


def test_what_a_killed_run_left_is_cleared_before_each_create(dev: Recording) -> None:
    """The network and every container have the hook, and each only one."""
    hooked = {each.name for each in dev.resources if len(each.before_create) == 1}
    assert hooked == {"pointsman-dev"} | {each.name for each in dev.resources if each.type == CONTAINER}


def test_config_volumes_say_all_that_the_plugin_reads(dev: Recording) -> None:
    """Program and plugin agree on every name: the plugin's own reader takes what the program registers."""
    for name in [name for name, more in (STACK | EXPORTERS).items() if CONFIG in more]:
        registered = dev.named(f"{name}-config")
        inputs = Inputs.of(from_struct(registered.message))
        container = dev.named(name, CONTAINER).inputs
        labels = {each["label"]: each["value"] for each in container["labels"]}
        assert inputs.container == container["name"]
        assert inputs.image == container["image"]
        assert inputs.fingerprint == labels["dev.pointsman.fingerprint"]
        assert f"{inputs.user}:{inputs.user}" == container["user"]
        assert {"volumeName": inputs.volume, "containerPath": inputs.directory, "readOnly": True} in container[
            "volumes"
        ]


def test_readiness(dev: Recording) -> None:
    """Published services are asked from outside; the proxy, which nobody reaches, must stay up."""
    assert dev.named("prometheus-ready").inputs == {
        "container": "pointsman-dev-prometheus",
        "containerId": "prometheus-id",
        "url": "http://127.0.0.1:9090/-/ready",
        "timeout": 60,
    }
    assert dev.named("collector-ready").inputs["url"] == "http://127.0.0.1:13133/"
    assert dev.named("socket-proxy-ready").inputs["url"] == ""


@pytest.mark.parametrize(
    ("bind", "published", "asked"), [("10.0.0.5", "10.0.0.5", "10.0.0.5"), ("0.0.0.0", "0.0.0.0", "127.0.0.1")]
)
def test_another_address(bind: str, published: str, asked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ports are opened where the spec says, and asked there; one that is open everywhere is asked on loopback."""
    found = run_program(made("dev", f"network: {{bind: {bind}}}"), monkeypatch)
    (port,) = found.named("loki", CONTAINER).inputs["ports"]
    assert port["ip"] == published
    assert found.named("loki-ready").inputs["url"] == f"http://{asked}:3100/ready"


def inputs_of(recording: Recording) -> dict[tuple[str, str], dict[str, Any]]:
    """Inputs by type and name."""
    return {(each.type, each.name): each.inputs for each in recording.resources}


def test_a_second_clone_changes_nothing(dev: Recording, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No path of the checkout is in any input, and a program that lies and runs elsewhere registers the same."""
    assert str(CHECKOUT) not in json.dumps([each.inputs for each in dev.resources])
    assert str(Path.home()) not in json.dumps([each.inputs for each in dev.resources])
    clone = tmp_path / "clone/stacks"
    clone.mkdir(parents=True)
    shutil.copy(PROGRAM, clone)
    monkeypatch.chdir(clone)
    monkeypatch.setenv("POINTSMAN_ROOT", str(clone.parent))
    assert inputs_of(run_program(made("dev"), monkeypatch, clone / PROGRAM.name)) == inputs_of(dev)


def test_two_environments_share_no_name(dev: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    """They live on one machine side by side."""
    other = run_program(made("staging", agent="alloy"), monkeypatch)
    mine, theirs = (
        {each.inputs.get("name") or each.inputs.get("volume") for each in found.resources} - {None}
        for found in (dev, other)
    )
    assert mine.isdisjoint(theirs)
    # The other one has Grafana, and with it data that the board has not.
    assert len(theirs) == len(mine) + 1


def test_a_mistake_ends_the_program_with_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the user did wrong reaches Pulumi as the message and its next step, which it prints without a traceback."""

    def refused(environment: str) -> Declared:
        raise UsageError(f"no image for {environment}", remedy="pointsman images ensure --env dev")

    with pytest.raises(pulumi.RunError) as failed:
        run_with(refused, "dev", monkeypatch)
    assert str(failed.value) == "no image for dev\nnext: pointsman images ensure --env dev"
    assert failed.value.__cause__ is None


def test_a_foreign_container_is_left_alone_with_a_message() -> None:
    """The hook that clears a name says what Docker holds there when it is somebody else's."""
    asked = []

    def remove(name: str, estate: str) -> None:
        asked.append((name, estate))
        raise PointsmanError("the container x exists already", remedy="remove it by hand")

    target = object.__new__(DockerTarget)
    target.estate = ESTATE
    binding = target._adopt(remove)
    assert binding.before_create is not None
    (hook,) = binding.before_create
    args = pulumi.ResourceHookArgs("urn", "id", "x", CONTAINER, {"name": "pointsman-dev-x"})
    with pytest.raises(RuntimeError, match="exists already\nnext: remove it by hand"):
        hook(args)
    assert asked == [("pointsman-dev-x", ESTATE)]


def test_a_run_monitor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A component of its own; the store's folder is there before it is mounted, read-only, at its own path."""
    folder = tmp_path / "state"
    found = run_program(
        made("dev", f"monitor: {{enabled: true, store: {{url: 'sqlite:///{folder}/runs.db'}}}}"), monkeypatch
    )
    monitor = ("pointsman:index:RunMonitor", "run-monitor")
    assert found.children == TREE | {
        "pointsman-dev": sorted([*TREE["pointsman-dev"], monitor]),
        "run-monitor": below({"run-monitor": (CONFIG, VOLUME)}),
    }
    assert found.outputs["run-monitor"] == {"urls": {"run-monitor": "http://127.0.0.1:9465"}}
    mounts = found.named("run-monitor", CONTAINER).inputs["volumes"]
    assert {"hostPath": str(folder), "containerPath": str(folder), "readOnly": True} in mounts
    assert folder.is_dir()
