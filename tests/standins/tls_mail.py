"""A mail server on loopback that encrypts: STARTTLS with a certificate of its own, logins, and faults on demand."""

from __future__ import annotations

import base64
import socket
import ssl
import subprocess
import threading
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType


class TlsMail:
    """Keeps mails, logins and recipients. `offers` is whether it offers STARTTLS.

    `fault`: `busy` answers a mail with 451, `refuses` with 550, `login` refuses every login, `hangs` and `hangs up` do
    so at the first command.
    """

    def __init__(self, certificate: tuple[Path, Path], offers: bool = True, fault: str = "") -> None:
        self.certificate_file, self._key = certificate
        self.offers, self.fault = offers, fault
        self.mails: list[EmailMessage] = []
        self.logins: list[tuple[str, str]] = []
        self.recipients: list[str] = []
        self.encrypted = False
        self._closed = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    @staticmethod
    def certificate(folder: Path) -> tuple[Path, Path]:
        """Makes a certificate for localhost and its key, with openssl."""
        made = folder / "certificate.pem", folder / "key.pem"
        words = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
        command = ["openssl", *words.split(), "-out", str(made[0]), "-keyout", str(made[1])]
        subprocess.run(command, check=True, capture_output=True)
        return made

    def __enter__(self) -> TlsMail:
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.set()
        self._listener.close()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection:
                self._talk(connection)
        except OSError:
            return

    def _talk(self, connection: socket.socket) -> None:
        connection.sendall(b"220 localhost ESMTP\r\n")
        encrypted = False
        reader = connection.makefile("rb")
        while line := reader.readline():
            verb = line.split()[0].upper() if line.split() else b""
            if self.fault.startswith("hangs"):
                if self.fault == "hangs":
                    self._closed.wait(20)
                return
            if verb == b"STARTTLS":
                connection.sendall(b"220 go on\r\n")
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(self.certificate_file, self._key)
                connection = context.wrap_socket(connection, server_side=True)
                reader, encrypted, self.encrypted = connection.makefile("rb"), True, True
                continue
            connection.sendall(self._answer(verb, line, encrypted))
            if verb == b"DATA":
                content = b"".join(iter(reader.readline, b".\r\n"))
                connection.sendall(self._keep(content))
            if verb == b"QUIT":
                return

    def _answer(self, verb: bytes, line: bytes, encrypted: bool) -> bytes:
        if verb == b"EHLO":
            tls = b"250-STARTTLS\r\n" if self.offers and not encrypted else b""
            return b"250-localhost\r\n" + tls + b"250 AUTH PLAIN\r\n"
        if verb == b"AUTH":
            _, user, password = base64.b64decode(line.split()[2]).decode().split("\0")
            self.logins.append((user, password))
            return b"535 no\r\n" if self.fault == "login" else b"235 come in\r\n"
        if verb == b"RCPT":
            self.recipients.append(line.decode().partition("<")[2].partition(">")[0])
        return {b"DATA": b"354 go on\r\n", b"QUIT": b"221 bye\r\n"}.get(verb, b"250 ok\r\n")

    def _keep(self, content: bytes) -> bytes:
        if self.fault:
            return b"451 come later\r\n" if self.fault == "busy" else b"550 no\r\n"
        self.mails.append(message_from_bytes(content, policy=policy.default))
        return b"250 kept\r\n"
