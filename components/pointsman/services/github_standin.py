"""The GitHub stand-in: what an environment's runners register at where no account is declared."""

from __future__ import annotations

from pointsman.services.model import Config, Exposed, HostMount, Probe, RestartInPlace, SecretSource, Service
from pointsman.spec.models import Environment

NAME = "github"
PORT = 8080
CONFIG = "/etc/github"
DATA = "/var/lib/github"
PACKAGES = "/packages"
TOKEN = "token"
REPOSITORY = "acme/app"
ORGANISATION = "acme"
URL = f"http://{NAME}:{PORT}/{REPOSITORY}"
"""As the runners and the exporter reach it, by its name on the environment's network."""
PACKAGES_URL = f"http://{NAME}:{PORT}/_packages"
API_PATH = "/api/v3"
MEMORY = 128 * 2**20


def service(spec: Environment, token: SecretSource, packages: str) -> Service:
    """The stand-in for which `token` is good; it also serves the runner programs of the folder `packages`.

    It has every Actions secret that the spec wants watched, set when it was first asked for.
    """
    return Service(
        name=NAME,
        image="github-standin",
        command=(
            *("/usr/bin/python3", "-m", "github_server", "--host", "0.0.0.0", "--port", str(PORT)),
            *("--repository", REPOSITORY, "--organisation", ORGANISATION),
            *("--token-file", f"{CONFIG}/current/{TOKEN}", "--packages", PACKAGES),
            *(word for name in spec.runners.exporter.secrets for word in ("--secret", name)),
            *("--state", f"{DATA}/state"),
        ),
        exposed=(Exposed("http", PORT, spec.ports.github, "ports.github"),),
        memory=MEMORY,
        cpus=0.5,
        ready=Probe("/_health"),
        config=Config(
            directory=CONFIG,
            files={"about": "The token in this folder is good for the stand-in of this environment alone.\n"},
            validate=(),
            reload=RestartInPlace(),
            secrets={TOKEN: token},
        ),
        data=DATA,
        mounts=(HostMount(packages, PACKAGES, "the stand-in serves the runner programs that are packed there"),),
        metrics=None,
    )
