"""What the runner program's own logs in `_diag` tell: its last error by class, ends of jobs, its version."""

from __future__ import annotations

from pathlib import Path

from pointsman.metrics_page.families import COUNTER, Family, each, one, which
from pointsman.runner_exporter.following import Follower
from pointsman.runner_exporter.signatures import CLASSES, RESULTS, Told


class Diag:
    """The logs of listener and worker, followed from one reading to the next."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._listener = Follower(folder, "Runner")
        self._worker = Follower(folder, "Worker")
        self._told = Told()

    @property
    def version(self) -> str | None:
        """The version that the program wrote at its start."""
        return self._told.version

    def read(self) -> list[Family]:
        """Takes in what is new. Raises OSError when a log can't be read; none at all is no fault."""
        if self._folder.is_dir():
            for line in self._listener.new():
                self._told.line(line.text, counted=not line.old)
            for line in self._worker.new():
                # Of a worker's log nothing else: the rest of it is the job's own.
                if "No space left on device" in line.text:
                    self._told.line(line.text)
        return self._families()

    def _families(self) -> list[Family]:
        told = self._told
        families = [
            which(
                "pointsman_runner_diag_error",
                "1 for the class of the last error in the runner's logs, until they tell that it is over.",
                "class",
                CLASSES,
                told.error,
            ),
            each(
                "pointsman_runner_diag_error_timestamp_seconds",
                "When an error of this class was last logged.",
                "class",
                told.seen,
            ),
            each(
                "pointsman_runner_jobs_total",
                "Jobs that ended since the exporter was started, by the runner's own word.",
                "result",
                told.jobs,
                COUNTER,
            ),
            which(
                "pointsman_runner_last_job_result",
                "1 for how the last job ended; all 0 when none is logged.",
                "result",
                RESULTS,
                told.last_result,
            ),
        ]
        if told.last_ended is not None:
            meaning = "When the last job ended."
            families.append(one("pointsman_runner_last_job_timestamp_seconds", meaning, told.last_ended))
        return families
