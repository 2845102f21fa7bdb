"""The stand-in's own wire to its GitHub: the real one is not published."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from typing import Any

ANSWER_SECONDS = 60.0


class Refused(Exception):
    """The service refused; `kind` is the class of its exception."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


class Lost(Exception):
    """The service gave no answer, or none that can be read."""


class Service:
    """The stand-in's GitHub at `url`; a proxy is not asked."""

    def __init__(self, url: str, credential: str = "") -> None:
        self._address = url.rstrip("/").partition("://")[2]
        self._credential = credential

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None, wait: float = 0.0) -> Any:
        """The JSON of the answer, None for an empty one; raises Refused or Lost."""
        headers = {"Content-Type": "application/json"}
        if self._credential:
            headers["Authorization"] = f"Bearer {self._credential}"
        connection = HTTPConnection(self._address, timeout=ANSWER_SECONDS + wait)
        try:
            connection.request(method, f"/_runner/{path}", json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            text, status, reason = answer.read(), answer.status, answer.reason
        except (OSError, HTTPException) as error:
            raise Lost(str(error) or type(error).__name__) from None
        finally:
            connection.close()
        try:
            told: Any = json.loads(text) if text else None
            if status < 400:
                return told
            kind, message = str(told["kind"]), str(told["message"])
        except (ValueError, KeyError, TypeError):
            raise Lost(f"Response status code does not indicate success: {status} ({reason}).") from None
        raise Refused(status, kind, message)
