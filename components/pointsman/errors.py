"""The errors a user meets: what is wrong, what was expected, what to do next; and the exit code of each kind."""

from __future__ import annotations

EXIT_GOOD = 0
EXIT_FAULT = 1
EXIT_USAGE = 2
EXIT_UNREACHABLE = 3


class PointsmanError(Exception):
    """A fault shown to the user as a message, never as a traceback.

    `message` says what is wrong; `remedy` says what to do next (one command where there is one); `detail` holds
    evidence, such as a container's last log lines.
    """

    exit_code = EXIT_FAULT

    def __init__(self, message: str, *, remedy: str = "", detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.detail = detail

    def __str__(self) -> str:
        """The whole message as plain text: fault, evidence, next step."""
        parts = [self.message]
        if self.detail:
            parts.append(self.detail.rstrip("\n"))
        if self.remedy:
            parts.append(f"next: {self.remedy}")
        return "\n".join(parts)


class UsageError(PointsmanError):
    """The command line or the spec is wrong: nothing was touched."""

    exit_code = EXIT_USAGE


class UnreachableError(PointsmanError):
    """Something outside that is needed (Docker, a registry, the disk) is not there."""

    exit_code = EXIT_UNREACHABLE
