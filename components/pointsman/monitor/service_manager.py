"""What systemd is told of a service of `Type=notify`, by its own socket (sd_notify(3))."""

from __future__ import annotations

import os
import socket
import time


class ServiceManager:
    """Tells the service manager that started this process; where none did, nothing is told."""

    def __init__(self) -> None:
        address = os.environ.get("NOTIFY_SOCKET", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        # Half of the time after which the service manager takes the process for hung (sd_watchdog_enabled(3)).
        mine = os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self._every = int(os.environ.get("WATCHDOG_USEC", "0")) / 2e6 if mine else 0.0
        self._told_at = 0.0

    def ready(self, status: str) -> None:
        """It works, or works again after a reload."""
        self._send(f"READY=1\nSTATUS={status}")

    def status(self, status: str) -> None:
        """What it does, in a line for people."""
        self._send(f"STATUS={status}")

    def reloading(self) -> None:
        """It reads its settings anew; `ready` ends that."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        """It ends."""
        self._send("STOPPING=1")

    def alive(self) -> None:
        """It is not hung. To be called every second; told as often as is asked for."""
        if self._every and time.monotonic() - self._told_at >= self._every:
            self._told_at = time.monotonic()
            self._send("WATCHDOG=1")

    def _send(self, message: str) -> None:
        if self._address:
            try:
                with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sending:
                    sending.sendto(message.encode(), self._address)
            except OSError:
                # A service manager that is being restarted asks again.
                return
