"""The program that the engine starts as the plugin: prints its port and serves until it is told to end."""

from __future__ import annotations

import sys
from pathlib import Path

# Started by path and not as an installed package: the source root must come first.
sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from pointsman.resources.provider.config_volume import ConfigVolumeKind
from pointsman.resources.provider.host_play import HostPlayKind
from pointsman.resources.provider.readiness import ReadinessKind
from pointsman.resources.provider.runner_registration import RunnerRegistrationKind
from pointsman.resources.provider.server import serve

if __name__ == "__main__":
    serve(
        {
            "pointsman:index:ConfigVolume": ConfigVolumeKind(),
            "pointsman:index:HostPlay": HostPlayKind(),
            "pointsman:index:Readiness": ReadinessKind(),
            "pointsman:index:RunnerRegistration": RunnerRegistrationKind(),
        },
        engine=sys.argv[1] if len(sys.argv) > 1 else "",
    )
