"""Jobs that GitHub gives, on the host that their labels lead to, and their logs."""

from __future__ import annotations

import secrets

from pointsman.inventory.variables import ROUTING_LABEL
from tests.deployed.estate import eventually
from tests.deployed.fleet import PRIMARY, REPOSITORY, Fleet

JOB_SECONDS = 60


def test_a_job_for_the_primary_runs_there_and_its_log_is_found(fleet: Fleet) -> None:
    """Queued for the routing label, it runs on the primary in the sandbox; Loki has its worker's lines by its name."""
    name = f"deploy-{secrets.token_hex(6)}"
    queued = fleet.github(
        "POST",
        "/_control/jobs",
        repository=REPOSITORY,
        labels=[ROUTING_LABEL, "deploy"],
        script="id -un; touch /etc/pointsman/x 2>/dev/null || echo kept-out; uname -n",
        name=name,
    )
    job = queued["job_id"]

    def ended() -> bool:
        return bool(fleet.github("GET", f"/_control/jobs/{job}")["status"] == "completed")

    eventually(ended, seconds=JOB_SECONDS)
    told = fleet.github("GET", f"/_control/jobs/{job}")
    assert (told["conclusion"], told["runner_name"]) == ("success", PRIMARY), told
    assert {"runner", "kept-out", PRIMARY} <= set(str(told["log"]).split()), told["log"]
    found = eventually(lambda: fleet.loki(f'{{host="{PRIMARY}", job="worker"}} |= "{name}"'))
    assert any(name in line for line in found)
    assert eventually(lambda: fleet.loki(f'{{host="{PRIMARY}", job="runner"}} |= "completed with result: Succeeded"'))
