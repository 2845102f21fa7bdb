"""The receivers as Alertmanager has them. Secrets are files beside its config, never values in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pointsman.services.alert_sink import WEBHOOK
from pointsman.services.model import SecretSource, Service
from pointsman.services.notifier import dashboards, paths, source
from pointsman.spec.models import Environment
from pointsman.spec.receivers import Discord, Email, Receiver, Slack, Webhook

# Beyond it a webhook's answer is given up, counted, and the notification sent again.
WEBHOOK_TIMEOUT = "10s"
# The notifier may have to ask GitHub several times before it can answer.
NOTIFIER_TIMEOUT = "45s"
TEMPLATES = "templates"
TEMPLATE = f"{TEMPLATES}/pointsman.tmpl"
TEXTS = """\
{{ define "pointsman.title" -}}
[{{ .Status | toUpper }}{{ if eq .Status "firing" }}:{{ .Alerts.Firing | len }}{{ end }}] {{ .GroupLabels.alertname }}
{{- with .CommonLabels.environment }} in {{ . }}{{ end }}
{{- end }}
{{ define "pointsman.slack" -}}
{{ range .Alerts -}}
{{ if eq .Status "resolved" }}:white_check_mark:{{ else if eq .Labels.severity "critical" }}:red_circle:\
{{ else }}:warning:{{ end }} *{{ .Annotations.summary }}*
{{ .Annotations.description }}
{{ with .Annotations.runbook_url }}<{{ . }}|Runbook> {{ end }}\
{{ with .Annotations.dashboard }}<DASHBOARDS{{ . }}|Dashboard> {{ end }}\
<{{ .GeneratorURL }}|Graph>
{{ end -}}
{{ end }}
{{ define "pointsman.discord" -}}
{{ range .Alerts -}}
**{{ .Status | toUpper }}: {{ .Annotations.summary }}**
{{ .Annotations.description }}{{ with .Annotations.runbook_url }}
Runbook: {{ . }}{{ end }}{{ with .Annotations.dashboard }}
Dashboard: DASHBOARDS{{ . }}{{ end }}
{{ end -}}
{{ end }}
"""
"""The texts of chat messages, in Alertmanager's template language; DASHBOARDS stands for where dashboards are."""


def rendered(spec: Environment, sink: Service, notifier: Service | None, directory: str) -> list[dict[str, Any]]:
    """All receivers; `directory` is where the secrets of `secret_sources` are."""
    found: list[dict[str, Any]] = [{"name": sink.name, "webhook_configs": [_webhook(f"{sink.url()}{WEBHOOK}")]}]
    told = dict(paths(spec)) if notifier else {}
    for name, path in told.items():
        assert notifier is not None
        config = {"url": f"{notifier.url()}{path}", "timeout": NOTIFIER_TIMEOUT}
        resolved = _resolved({each.name: each for each in spec.alertmanager.receivers}.get(name))
        found.append({"name": name, "webhook_configs": [config | resolved]})
    others = (each for each in spec.alertmanager.receivers if each.name not in told)
    return found + [{"name": each.name, **_native(each, f"{directory}/{_secret(each)}")} for each in others]


def texts(spec: Environment) -> str:
    """The template file."""
    return TEXTS.replace("DASHBOARDS", dashboards(spec))


def secret_sources(spec: Environment) -> Mapping[str, SecretSource]:
    """The secrets that Alertmanager itself needs, by their path beside its config."""
    return dict(_secret_sources(spec))


def _secret_sources(spec: Environment) -> Iterator[tuple[str, SecretSource]]:
    for each in spec.alertmanager.receivers:
        if not each.by_notifier:
            yield from ((_secret(each), source(secret)) for _, secret in each.secrets())


def _secret(receiver: Receiver) -> str:
    return f"secrets/{receiver.name}"


def _native(receiver: Receiver, secret: str) -> dict[str, Any]:
    """What Alertmanager tells itself."""
    match receiver:
        case Webhook():
            return {"webhook_configs": [_webhook(receiver.url) | _resolved(receiver)]}
        case Slack():
            return {"slack_configs": [_slack(receiver, secret)]}
        case Email():
            return {"email_configs": [_email(receiver, secret)]}
        case Discord():
            texts = {"title": _template("title"), "message": _template("discord")}
            return {"discord_configs": [{"webhook_url_file": secret, **texts, **_resolved(receiver)}]}
    raise AssertionError(f"{receiver.name} is told by the notifier")


def _webhook(url: str) -> dict[str, Any]:
    return {"url": url, "timeout": WEBHOOK_TIMEOUT}


def _slack(receiver: Slack, secret: str) -> dict[str, Any]:
    return {
        "api_url_file": secret,
        **({"channel": receiver.channel} if receiver.channel else {}),
        "send_resolved": receiver.send_resolved,
        "title": _template("title"),
        "text": _template("slack"),
        "color": '{{ if eq .Status "firing" }}danger{{ else }}good{{ end }}',
    }


def _email(receiver: Email, secret: str) -> dict[str, Any]:
    login = {"auth_username": receiver.username, "auth_password_file": secret} if receiver.username else {}
    return {
        "to": receiver.to,
        "from": receiver.sender,
        "smarthost": receiver.smarthost,
        **login,
        "require_tls": receiver.require_tls,
        "send_resolved": receiver.send_resolved,
        "headers": {"Subject": _template("title")},
    }


def _template(name: str) -> str:
    return f'{{{{ template "pointsman.{name}" . }}}}'


def _resolved(receiver: Receiver | None) -> dict[str, bool]:
    """Alertmanager's own default is true for all but mail."""
    return {} if receiver is None or receiver.send_resolved else {"send_resolved": False}
