"""Where a host's signals arrive: the way of each, hop by hop, and the first hop that fails."""

from __future__ import annotations

import json
import secrets
import shlex
import time
from collections.abc import Iterator
from typing import Any

from pointsman.checks import Check, not_verifiable, passed
from pointsman.hosts.proving.subject import Subject
from pointsman.paths import checkout
from pointsman.plays.tree import PLAYBOOKS
from pointsman.services import loki
from pointsman.services.scraping import HOST_JOBS
from pointsman.verify.site import METRICS, Lost

TAG = "pointsman-verify"
JOURNAL_COPY = "/var/log/pointsman/journal.json"
LABELS = frozenset({"environment", "host", "job", "unit", "service_name", "detected_level"})
"""The labels of log streams; the last two are Loki's own."""
REACH_SECONDS = 5
# How far back a stream counts, and how long a fresh line may take to arrive, in seconds.
BACK_SECONDS = 3600
_UNITS = {"node": "prometheus-node-exporter.service", "runner": "pointsman-runner-exporter.service"}


def mark(host: Subject) -> str:
    """Writes a line to the host's journal that nobody else writes; the check of its arrival looks for it later."""
    word = f"proof-{secrets.token_hex(8)}"
    host.said(f"logger --tag {TAG} {word}")
    return word


def reached(host: Subject) -> list[Check]:
    """The host reaches GitHub, the runner's program and Loki: name, connection, TLS and HTTP of each."""
    targets: list[dict[str, str]] = host.variable("pointsman_reach") or []
    if not targets:
        return [not_verifiable("reach", "the inventory names nothing that it must reach", service=host.name)]
    script = (checkout() / PLAYBOOKS / "roles" / "reach" / "files" / "reach.py").read_text()
    faults = host.said(f"python3 -c {shlex.quote(script)} {shlex.quote(json.dumps(targets))} {REACH_SECONDS}")
    found = []
    for target in targets:
        name = f"reach from the host to {target['name']}"
        fault = next((line for line in faults.splitlines() if line.startswith(f"{target['name']} (")), "")
        seen, _, remedy = fault.partition(" Remedy: ")
        ok = passed(name, target["url"], service=host.name)
        found.append(host.refused(name, seen, f"an answer of {target['url']}", remedy=remedy) if fault else ok)
    return found


def exporters(host: Subject) -> list[Check]:
    """Each exporter answers on the host itself, and is scraped through the firewall."""
    enabled = host.variable("exporters_enabled") or ()
    if not enabled:
        return [not_verifiable("exporters", "the inventory has none on this host", service=host.name)]
    found = []
    for each in enabled:
        port = int(host.variable(f"exporters_{each}_port"))
        found.append(_answers(host, each, port))
        found.append(_scraped(host, each, port, is_answering=found[-1]))
    return found


def _answers(host: Subject, exporter: str, port: int) -> Check:
    name = f"{exporter} exporter answers"
    url = f"http://127.0.0.1:{port}/metrics"
    code = host.said(
        f"curl --silent --output /dev/null --max-time 5 --write-out '%{{http_code}}' {url} || true"
    ).strip()
    if code != "200":
        remedy = f"on {host.name}: journalctl -u {_UNITS[exporter]} -n 20"
        return host.refused(name, f"{url}: {code}", "200", remedy=remedy)
    return passed(name, url, service=host.name)


def _scraped(host: Subject, exporter: str, port: int, *, is_answering: Check) -> Check:
    name, job = f"reach from Prometheus to the {exporter} exporter", HOST_JOBS[exporter]
    told: dict[str, Any] | None = None
    try:
        for _ in host.site.tries():
            targets = host.site.data(METRICS, "/api/v1/targets", state="active", scrapePool=job)["activeTargets"]
            told = next((each for each in targets if each["labels"].get("host") == host.name), None)
            if told and told["health"] == "up":
                return passed(name, f"{told['scrapeUrl']} up", service=host.name)
    except Lost as lost:
        return not_verifiable(name, f"Prometheus does not answer: {lost.seen}", service=host.name)
    if told is None:
        return host.refused(name, "Prometheus does not have it", f"a target of {job}", remedy=host.declared.apply)
    if is_answering.remedy:
        return not_verifiable(name, f"{told['health']}: see {is_answering.name}", service=host.name)
    seen = f"{told['health']}: {told['lastError']}; it answers on the host: what lies between refuses it"
    remedy = f"see firewall rules and firewall_scrape_from of {host.name}, and each firewall between"
    return host.refused(name, seen, f"{told['scrapeUrl']} scraped", remedy=remedy)


def logs(host: Subject, word: str) -> list[Check]:
    """A fresh line of the host's journal is found in Loki; its streams have no labels but those that are bounded."""
    name = "log line of the host in Loki"
    if not host.variable("pointsman_loki_url"):
        return [not_verifiable(name, "the host sends no logs: the environment has no Loki for it", service=host.name)]
    started = time.monotonic()
    query = f'{{host="{host.name}", job="journal"}} |= "{word}"'
    try:
        for _ in host.site.tries():
            if _lines(host, query):
                seen = f"a line of its journal after {time.monotonic() - started:.1f} s"
                return [passed(name, seen, service=host.name), *_streams(host)]
    except Lost as lost:
        return [not_verifiable(name, f"Loki does not answer: {lost.seen}", service=host.name)]
    hop, remedy = _lost_at(host, word)
    return [host.refused(name, f"lost at: {hop}", query, remedy=remedy)]


def _lost_at(host: Subject, word: str) -> tuple[str, str]:
    if word not in host.said(f"journalctl --no-pager --output=cat --identifier={TAG} -n 50"):
        return "the host's own journal", f"on {host.name}: systemctl status systemd-journald"
    if word not in host.said(f"tail -n 500 {JOURNAL_COPY} 2>/dev/null || true"):
        return f"rsyslog, which copies the journal to {JOURNAL_COPY}", f"on {host.name}: journalctl -u rsyslog -n 20"
    agent = "pointsman-log-agent.service"
    return "the log agent, or the way from it to Loki", f"on {host.name}: journalctl -u {agent} -n 20"


def _streams(host: Subject) -> Iterator[Check]:
    name = "log streams of the host"
    since = int((time.time() - BACK_SECONDS) * 1e9)
    found = host.site.data(loki.NAME, "/loki/api/v1/series", start=since, **{"match[]": f'{{host="{host.name}"}}'})
    jobs = {each.get("job", "") for each in found}
    more = {key for each in found for key in each} - LABELS
    wanted = {"journal", *(("runner",) if host.has_runner else ())}
    if more:
        yield host.refused(name, f"labels beyond the bounded ones: {', '.join(sorted(more))}", f"{sorted(LABELS)}")
    elif not wanted <= jobs:
        remedy = f"on {host.name}: journalctl -u pointsman-log-agent.service -n 20"
        yield host.refused(name, f"jobs {sorted(jobs)}", f"jobs {sorted(wanted)}", remedy=remedy)
    else:
        yield passed(name, f"{len(found)}, of the jobs {', '.join(sorted(jobs))}", service=host.name)


def _lines(host: Subject, query: str) -> list[Any]:
    since = int((time.time() - 120) * 1e9)
    found: list[Any] = host.site.data(loki.NAME, "/loki/api/v1/query_range", query=query, start=since, limit=1)[
        "result"
    ]
    return found
