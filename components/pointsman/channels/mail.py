"""Alerts as a mail, sent over STARTTLS: the password never goes over a connection that is not encrypted."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from hashlib import sha256
from pathlib import Path

from pointsman.channels.delivering import NotDelivered
from pointsman.channels.notification import Alert, Notification
from pointsman.channels.posting import Read, fetched

SECONDS = 10.0
"""How long the server may take for each answer."""
MOST_ALERTS = 50
# RFC 5322 advises lines of at most 78 characters, and a subject is a line.
SUBJECT = 150


@dataclass(frozen=True)
class Server:
    """A mail server. `user` is empty where nobody logs in; `require_tls` refuses one that offers no encryption.

    `authorities` is a file of certificates to trust in place of the machine's.
    """

    host: str
    port: int = 587
    user: str = ""
    password: Read | None = None
    require_tls: bool = True
    authorities: Path | None = None


def mail(notification: Notification, sender: str, to: tuple[str, ...]) -> EmailMessage:
    """The mail. Its Message-ID follows from what it tells, so that one that comes twice is known as the same."""
    worst = notification.worst
    severity = f"[{worst.severity}] " if worst.severity else ""
    told = sorted(f"{alert.fingerprint} {alert.status} {alert.event_id}" for alert in notification.alerts)
    made = EmailMessage()
    made["Subject"] = _line(f"{severity}{worst.name}: {notification.headline or notification.counts}", SUBJECT)
    made["From"] = sender
    made["To"] = ", ".join(to)
    made["Date"] = format_datetime(datetime.now(UTC))
    made["Message-ID"] = f"<{sha256(repr((notification.group_key, told)).encode()).hexdigest()[:32]}@pointsman>"
    if events := " ".join(alert.event_id for alert in notification.alerts[:MOST_ALERTS] if alert.event_id):
        made["X-Pointsman-Event"] = events
    # RFC 3834: no answering machine is to answer.
    made["Auto-Submitted"] = "auto-generated"
    shown = notification.ordered[:MOST_ALERTS]
    parts = [_section(alert) for alert in shown]
    if left := len(notification.alerts) - len(shown) + notification.left_out:
        parts.append(f"… and {left} more alerts.")
    made.set_content("\n\n".join(parts) + "\n")
    return made


class MailChannel:
    """Mail addresses, told through a server."""

    gathers = True

    def __init__(self, server: Server, sender: str, to: tuple[str, ...]) -> None:
        self._server, self._sender, self._to = server, sender, to

    def deliver(self, notification: Notification) -> None:
        """Sends the mail. Raises NotDelivered; neither the password nor what the server answers to it is told."""
        sent = mail(notification, self._sender, self._to)
        where = f"the mail server {self._server.host}:{self._server.port}"
        try:
            with smtplib.SMTP(self._server.host, self._server.port, timeout=SECONDS) as smtp:
                self._encrypt(smtp, where)
                if self._server.user and self._server.password:
                    smtp.login(self._server.user, fetched(self._server.password).reveal())
                refused = smtp.send_message(sent, self._sender, self._to)
        except TimeoutError:
            raise NotDelivered("timeout", f"{where} gave no answer within {SECONDS:.0f} s") from None
        except ssl.SSLError as error:
            raise NotDelivered(
                "refused", f"{where} cannot be trusted: {error.reason or type(error).__name__}"
            ) from None
        except (smtplib.SMTPException, OSError, UnicodeError, ValueError) as error:
            if isinstance(error.__context__, TimeoutError):
                raise NotDelivered("timeout", f"{where} gave no answer within {SECONDS:.0f} s") from None
            raise _failure(where, error) from None
        if refused:
            raise NotDelivered("refused", f"{where} took the mail, but not for {', '.join(refused)}")

    def _encrypt(self, smtp: smtplib.SMTP, where: str) -> None:
        smtp.ehlo()
        if smtp.has_extn("starttls"):
            authorities = str(self._server.authorities) if self._server.authorities else None
            smtp.starttls(context=ssl.create_default_context(cafile=authorities))
            smtp.ehlo()
        elif self._server.require_tls or self._server.user:
            raise NotDelivered("refused", f"{where} offers no STARTTLS; nothing was sent")


_WORDS: tuple[tuple[type[Exception], str, Callable[[Exception], str]], ...] = (
    (smtplib.SMTPAuthenticationError, "refused", lambda error: "refuses user or password"),
    (smtplib.SMTPNotSupportedError, "refused", lambda error: "knows no login, or not what the mail needs"),
    (smtplib.SMTPRecipientsRefused, "refused", lambda error: "takes mail for none of the addresses"),
    (smtplib.SMTPServerDisconnected, "unreachable", lambda error: "hung up"),
    (smtplib.SMTPResponseException, "", lambda error: f"answered {getattr(error, 'smtp_code', '')}"),
    (
        OSError,
        "unreachable",
        lambda error: f"cannot be reached ({getattr(error, 'strerror', '') or type(error).__name__})",
    ),
)


def _failure(where: str, error: Exception) -> NotDelivered:
    for kind, reason, words in _WORDS:
        if isinstance(error, kind):
            # RFC 5321: 4xx is to be tried again, 5xx is final.
            code = getattr(error, "smtp_code", 0)
            return NotDelivered(reason or ("server_error" if code < 500 else "refused"), f"{where} {words(error)}")
    return NotDelivered("internal", f"{where}: the mail cannot be sent ({type(error).__name__})")


def _section(alert: Alert) -> str:
    when = f"since {alert.starts}" if alert.firing else f"from {alert.starts} to {alert.ends}"
    lines = (
        f"{alert.status}: {alert.summary}",
        alert.annotations.get("description", ""),
        when,
        *(f"{title}: {url}" for title, url in alert.links.items()),
        " ".join(f"{name}={value}" for name, value in alert.labels.items()),
        f"event {alert.event_id}" if alert.event_id else "",
    )
    return "\n".join(line for line in lines if line)


def _line(text: str, most: int) -> str:
    """A text on one line, which is all that a header may have."""
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    return line if len(line) <= most else f"{line[: most - 1]}…"
