"""Telemetry never breaks its caller: a fault of its own is logged and goes no further."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import ParamSpec

P = ParamSpec("P")
_log = logging.getLogger("pointsman.telemetry")


def quiet(function: Callable[P, None]) -> Callable[P, None]:
    """The same function, which returns where it would raise."""

    @functools.wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            function(*args, **kwargs)
        except Exception:
            _log.debug("telemetry failed in %s", function.__qualname__, exc_info=True)

    return guarded
