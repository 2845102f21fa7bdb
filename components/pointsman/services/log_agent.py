"""The log agent: follows every container of the environment through the socket proxy and sends its lines to Loki.

Alloy where its image can be had; else Promtail, which is retired upstream but can be built from packages. Both put the
same three labels on a line (environment, service, stream): bounded whatever the containers print.
"""

from __future__ import annotations

from typing import Any, Literal

from pointsman.services.labels import ENVIRONMENT, SERVICE
from pointsman.services.model import Config, Exposed, HttpReload, Probe, RestartInPlace, Service
from pointsman.spec.models import Environment
from pointsman.spec.scalars import size_bytes
from pointsman.yaml_text import yaml_text

Agent = Literal["alloy", "promtail"]
NAME = "log-agent"
PUSH = "/loki/api/v1/push"
# How late a container that has just started is seen: `up` starts the agent beside the others, and then proves that the
# lines of each are in Loki.
REFRESH = "1s"
# The defaults wait up to 5 minutes between tries and give up after 10: once Loki is back, so should its logs be.
BACKOFF = {"min_period": "500ms", "max_period": "5s", "max_retries": 120}


def service(environment: str, spec: Environment, agent: Agent, loki: Service, proxy: Service) -> Service:
    """The agent that `agent` names, sending to `loki` what it reads through `proxy`."""
    render = {"alloy": _alloy, "promtail": _promtail}[agent]
    return render(environment, spec, loki, proxy)


def _promtail(environment: str, spec: Environment, loki: Service, proxy: Service) -> Service:
    # /var/tmp because the official image has it, writable for all: a volume takes over the mode of what it covers.
    port, directory, positions = 9080, "/etc/promtail", "/var/tmp"
    config: dict[str, Any] = {
        "server": {"http_listen_port": port, "grpc_listen_port": 0},
        "positions": {"filename": f"{positions}/positions.yaml", "sync_period": "5s"},
        "clients": [{"url": f"http://{loki.address()}{PUSH}", "batchwait": "500ms", "backoff_config": BACKOFF}],
        "scrape_configs": [
            {
                "job_name": "containers",
                "docker_sd_configs": [
                    {
                        "host": f"tcp://{proxy.address()}",
                        "refresh_interval": REFRESH,
                        "filters": [{"name": "label", "values": [f"{ENVIRONMENT}={environment}"]}],
                    }
                ],
                "relabel_configs": [
                    {"source_labels": [_meta(ENVIRONMENT)], "target_label": "environment"},
                    {"source_labels": [_meta(SERVICE)], "target_label": "service"},
                    {"source_labels": ["__meta_docker_container_log_stream"], "target_label": "stream"},
                ],
            }
        ],
    }
    return _agent(
        spec,
        image="promtail",
        port=port,
        command=("/usr/bin/promtail", f"-config.file={directory}/current/promtail.yml"),
        data=positions,
        config=Config(
            directory=directory,
            files={"promtail.yml": yaml_text(config)},
            validate=("/usr/bin/promtail", "-check-syntax", "-config.file={release}/promtail.yml"),
            reload=RestartInPlace(),
        ),
        ready=Probe("/ready"),
        after=(proxy.name,),
    )


_ALLOY = """\
discovery.docker "containers" {{
  host             = "tcp://{proxy}"
  refresh_interval = "{refresh}"
  filter {{
    name   = "label"
    values = ["{label}={environment}"]
  }}
}}

discovery.relabel "containers" {{
  targets = discovery.docker.containers.targets
  rule {{
    source_labels = ["{environment_meta}"]
    target_label  = "environment"
  }}
  rule {{
    source_labels = ["{service_meta}"]
    target_label  = "service"
  }}
  rule {{
    source_labels = ["__meta_docker_container_log_stream"]
    target_label  = "stream"
  }}
}}

loki.source.docker "containers" {{
  host          = "tcp://{proxy}"
  targets       = discovery.docker.containers.targets
  relabel_rules = discovery.relabel.containers.rules
  forward_to    = [loki.write.loki.receiver]
}}

loki.write "loki" {{
  endpoint {{
    url        = "http://{loki}{push}"
    batch_wait = "500ms"

    min_backoff_period  = "{backoff[min_period]}"
    max_backoff_period  = "{backoff[max_period]}"
    max_backoff_retries = {backoff[max_retries]}
  }}
}}
"""


def _alloy(environment: str, spec: Environment, loki: Service, proxy: Service) -> Service:
    port, directory, data = 12345, "/etc/alloy", "/var/lib/alloy/data"
    config = _ALLOY.format(
        proxy=proxy.address(),
        loki=loki.address(),
        push=PUSH,
        backoff=BACKOFF,
        refresh=REFRESH,
        label=ENVIRONMENT,
        environment=environment,
        environment_meta=_meta(ENVIRONMENT),
        service_meta=_meta(SERVICE),
    )
    return _agent(
        spec,
        image="alloy",
        port=port,
        command=(
            "/bin/alloy",
            "run",
            f"--server.http.listen-addr=0.0.0.0:{port}",
            f"--storage.path={data}",
            "--disable-reporting",
            f"{directory}/current/config.alloy",
        ),
        data=data,
        config=Config(
            directory=directory,
            files={"config.alloy": config},
            validate=("/bin/alloy", "fmt", "--test", "{release}/config.alloy"),
            reload=HttpReload(
                path="/-/reload",
                succeeded="alloy_config_last_load_successful",
                at="alloy_config_last_load_success_timestamp_seconds",
            ),
        ),
        ready=Probe("/-/ready"),
        after=(proxy.name,),
    )


def _agent(
    spec: Environment,
    *,
    image: Agent,
    port: int,
    command: tuple[str, ...],
    data: str,
    config: Config,
    ready: Probe,
    after: tuple[str, ...],
) -> Service:
    return Service(
        name=NAME,
        image=image,
        command=command,
        exposed=(Exposed("http", port, spec.ports.log_agent, "ports.log_agent"),),
        memory=size_bytes(spec.log_agent.resources.memory),
        cpus=spec.log_agent.resources.cpus,
        ready=ready,
        config=config,
        data=data,
        after=after,
    )


def _meta(label: str) -> str:
    """The name under which Docker discovery offers a container's label."""
    return "__meta_docker_container_label_" + label.replace(".", "_")
