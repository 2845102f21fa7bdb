"""What the services are, word for word, in files that a person can read.

A change of a rendering shows as a diff of these files; `UPDATE_GOLDEN=1` writes them anew.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from pointsman.services import grafana
from pointsman.services.model import Config, Service
from tests.unit.services.cases import CASES, GOLDEN

FOLDER = Path(__file__).parent / "golden"
RENEW = "read the difference; if it is wanted: UPDATE_GOLDEN=1 python -m pytest tests/unit/services"


def plain(value: Any) -> Any:
    """A value for YAML; a dataclass shows its name, since that is what chooses between kinds of reload."""
    if isinstance(value, Config):
        # The texts are files of their own.
        secrets = {name: plain(source) for name, source in value.secrets.items()}
        return {"Config": {**shown(value), "files": list(value.files), "secrets": secrets}}
    if isinstance(value, Service):
        return shown(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {type(value).__name__: shown(value)}
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    return value


def shown(value: Any) -> dict[str, Any]:
    """All fields of a dataclass."""
    return {each.name: plain(getattr(value, each.name)) for each in fields(value)}


def rendered(case: str) -> dict[str, str]:
    """Path → text of everything that a case shows."""
    estate = CASES[case].estate
    files = {
        f"{service.name}/{path}": text
        for service in estate.services
        if service.config
        for path, text in service.config.files.items()
        # Dashboards have golden files of their own: tests/unit/signals/golden.
        if not (service.name == grafana.NAME and path.endswith(".json"))
    }
    values = {"stack": plain(estate.stack), "exporters": plain(estate.exporters), "runners": plain(estate.runners)}
    values |= {"monitoring": plain(estate.monitoring)} if estate.monitoring else {}
    return files | {"services.yaml": yaml.safe_dump(values, sort_keys=False, width=120)}


def written(case: str) -> dict[str, str]:
    """Path → text of the golden files."""
    folder = FOLDER / case
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("case", GOLDEN)
def test_services_are_as_the_golden_files_say(case: str) -> None:
    """No byte of a command, a limit or a config changes unseen; a file that is no longer rendered is noticed too."""
    wanted = rendered(case)
    if os.environ.get("UPDATE_GOLDEN"):
        shutil.rmtree(FOLDER / case, ignore_errors=True)
        for path, text in wanted.items():
            (FOLDER / case / path).parent.mkdir(parents=True, exist_ok=True)
            (FOLDER / case / path).write_text(text)
    found = written(case)
    assert sorted(found) == sorted(wanted), RENEW
    for path, text in wanted.items():
        assert found[path] == text, f"{case}/{path}: {RENEW}"
