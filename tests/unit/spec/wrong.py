"""Specs with mistakes, and each mistake as the reader words it."""

from __future__ import annotations

DURATION = "a duration: whole numbers with y, w, d, h, m, s or ms, the longest unit first, such as 15s, 1h30m or 7d"
SIZE = "a size: a whole number with B, KiB, MiB, GiB or TiB, such as 512MiB"
PORT = "a whole number from 1 to 65535"
SECTIONS = (
    "target, images, network, ports, container_logs, prometheus, alerts, slos, alertmanager, alert_sink, notifier, "
    "loki, log_agent, tempo, collector, grafana, exporters, runners, monitor, socket_proxy, telemetry"
)
MATCHER = 'a label, =, !=, =~ or !~, and a value in double quotes without backslashes, such as job="api"'
LABEL = "a label name: letters, digits and underscores, no digit first"
JOB = "a job name: small letters, digits, _ and -, a letter first, at most 63"
URL = "an address with http:// or https://, without user or password, such as http://store.example.org:8080/api"
TARGET = "a host name and a port from 1 to 65535, such as build-1:9100"

GOLDEN: dict[str, tuple[str, list[str]]] = {
    "unknown key, misspelt": (
        "prometheus:\n  retenton: {time: 3d}\n",
        ["2:3  prometheus.retenton  unknown key; did you mean prometheus.retention?"],
    ),
    "unknown key of another section": (
        "retention: 3d\n",
        [
            "1:1  retention  unknown key; did you mean prometheus.retention or loki.retention or tempo.retention or "
            "monitor.limits.retention?"
        ],
    ),
    "unknown key, wrong way round": (
        "prometheus: {port: 1}\n",
        ["1:14  prometheus.port  unknown key; did you mean ports.prometheus?"],
    ),
    "unknown key in another spelling": (
        "logAgent: {kind: alloy}\n",
        ["1:1  logAgent  unknown key; did you mean log_agent?"],
    ),
    "unknown key like no other": ("xyzzy: 1\n", [f"1:1  xyzzy  unknown key; expected one of {SECTIONS}"]),
    "unknown key in a list": (
        "prometheus:\n  extra_targets:\n    - {job: a, targets: ['b:1'], lables: {}}\n",
        ["3:34  prometheus.extra_targets[0].lables  unknown key; did you mean prometheus.extra_targets[0].labels?"],
    ),
    "number in quotes": (
        'ports: {loki: "9090"}\n',
        [f'1:15  ports.loki  "9090" is text; expected {PORT}; write 9090 without quotes'],
    ),
    "number out of range": ("ports: {loki: 70000}\n", [f"1:15  ports.loki  70000 is out of range; expected {PORT}"]),
    "whole number with a fraction": (
        "ports: {loki: 3100.0}\n",
        [f"1:15  ports.loki  3100.0 is a number with a fraction; expected {PORT}"],
    ),
    "boolean for a number": ("ports: {loki: yes}\n", [f"1:15  ports.loki  yes reads as true; expected {PORT}"]),
    "huge number": (
        f"ports: {{loki: {'9' * 5000}}}\n",
        [f"1:15  ports.loki  {'9' * 59}… is too long a number; expected a shorter number, or quotes around text"],
    ),
    "octal": (
        "ports: {loki: 03100}\n",
        [
            "1:15  ports.loki  03100 reads as 1600 (octal); "
            "expected a decimal number without leading zeros or colons; write 3100 or 1600"
        ],
    ),
    "base 60": (
        "ports: {loki: 1:30}\n",
        ["1:15  ports.loki  1:30 reads as 90 (base 60); expected a decimal number without leading zeros or colons"],
    ),
    "1e3 is text": (
        "socket_proxy: {resources: {memory: 8MiB, cpus: 1e0}}\n",
        ["1:48  socket_proxy.resources.cpus  1e0 is text; expected a number above 0 and at most 64; write 1.0"],
    ),
    "not a number": (
        "socket_proxy: {resources: {memory: 8MiB, cpus: .nan}}\n",
        ["1:48  socket_proxy.resources.cpus  .nan is out of range; expected a number above 0 and at most 64"],
    ),
    "text for a boolean": (
        'exporters: {node: {enabled: "True"}}\n',
        ['1:29  exporters.node.enabled  "True" is text; expected true or false; write true without quotes'],
    ),
    "negative duration": ("loki: {retention: -1d}\n", [f"1:19  loki.retention  -1d does not fit; expected {DURATION}"]),
    "unknown unit": (
        "prometheus:\n  scrape_interval: 15x\n",
        [f"2:20  prometheus.scrape_interval  15x does not fit; expected {DURATION}"],
    ),
    "duration of zero": (
        "prometheus: {evaluation_interval: 0s}\n",
        [
            "1:35  prometheus.evaluation_interval  0s does not fit; "
            "expected a duration longer than zero and of at most 290y, such as 15s"
        ],
    ),
    "endless duration": (
        "loki: {retention: 999999999999999y}\n",
        [
            "1:19  loki.retention  999999999999999y does not fit; "
            "expected a duration longer than zero and of at most 290y, such as 15s"
        ],
    ),
    "duration with a blank": (
        "loki: {retention: 7 D}\n",
        [f"1:19  loki.retention  7 D does not fit; expected {DURATION}; did you mean 7d?"],
    ),
    "duration without a unit": (
        "loki: {retention: 7}\n",
        [f"1:19  loki.retention  7 is a number; expected {DURATION}"],
    ),
    "decimal unit of size": (
        "container_logs: {max_size: 10MB}\n",
        [f"1:28  container_logs.max_size  10MB does not fit; expected {SIZE}; did you mean 10MiB?"],
    ),
    "literal": (
        "images: {source: package}\n",
        ["1:18  images.source  package does not fit; expected one of registry, packages, auto; did you mean packages?"],
    ),
    "literal read as a boolean": (
        "images: {source: off}\n",
        ["1:18  images.source  off reads as false; expected one of registry, packages, auto"],
    ),
    "pattern in words": (
        'images: {registry: "https://Mirror"}\n',
        [
            '1:20  images.registry  "https://Mirror" does not fit; expected a registry\'s host, port and path in '
            "small letters, without https://, such as mirror.example.org:5000"
        ],
    ),
    "address": (
        "network: {bind: 300.1.1.1}\n",
        ["1:17  network.bind  300.1.1.1 does not fit; expected an IPv4 address, such as 127.0.0.1"],
    ),
    "number for an address": (
        "network: {bind: 10}\n",
        ["1:17  network.bind  10 is a number; expected an IPv4 address, such as 127.0.0.1"],
    ),
    "label read as a boolean": (
        "prometheus: {external_labels: {country: no}}\n",
        ['1:41  prometheus.external_labels.country  no reads as false; expected text; write "no" in quotes'],
    ),
    "label's name": (
        "prometheus: {external_labels: {a-b: x}}\n",
        [f'1:32  prometheus.external_labels.a-b  the key "a-b" does not fit; expected {LABEL}'],
    ),
    "key read as a boolean": (
        "prometheus: {external_labels: {on: x}}\n",
        [
            "1:32  prometheus.external_labels.on  the key on reads as true or false; "
            'expected a key that is text; write "on"'
        ],
    ),
    "key that is a number": (
        "prometheus: {external_labels: {1: x}}\n",
        [f'1:32  prometheus.external_labels.1  the key "1" does not fit; expected {LABEL}'],
    ),
    "keys called as pydantic calls keys": (
        '"[key]": 1\nprometheus: {external_labels: {"[key]": 1}}\n',
        [
            f'1:1  ["[key]"]  unknown key; expected one of {SECTIONS}',
            f'2:32  prometheus.external_labels["[key]"]  the key "[key]" does not fit; expected {LABEL}',
            '2:41  prometheus.external_labels["[key]"]  1 is a number; expected text; write "1" in quotes',
        ],
    ),
    "key that is no text, nor known": ("1: 2\n", [f"1:1  1  unknown key; expected one of {SECTIONS}"]),
    "key that is a mapping": (
        "{{ name }}: 1\n",
        ["1:1  a key that is a mapping or a list; expected a key that is text"],
    ),
    "missing key": (
        "prometheus:\n  extra_targets:\n    - {job: a}\n",
        [f"3:7  prometheus.extra_targets[0].targets  targets is missing; expected a list: at least 1, each {TARGET}"],
    ),
    "empty list": (
        "prometheus:\n  extra_targets:\n    - {job: a, targets: []}\n",
        [f"3:25  prometheus.extra_targets[0].targets  an empty list; expected a list: at least 1, each {TARGET}"],
    ),
    "port of a target": (
        "prometheus:\n  extra_targets:\n    - {job: a, targets: ['b:70000']}\n",
        [f'3:26  prometheus.extra_targets[0].targets[0]  "b:70000" does not fit; expected {TARGET}'],
    ),
    "scalar for a mapping": (
        "prometheus: {extra_targets: [7]}\n",
        ["1:30  prometheus.extra_targets[0]  7 is a number; expected a mapping with the keys job, targets, labels"],
    ),
    "list for a mapping": (
        "log_agent: []\n",
        ["1:12  log_agent  an empty list; expected a mapping with the keys kind, resources"],
    ),
    "empty section": (
        "exporters:\nloki: {}\n",
        [
            "1:1  exporters  nothing is written; expected a mapping with the keys node, blackbox, pushgateway; "
            "leave the key out to have its default"
        ],
    ),
    "top level is text": ("hello\n", [f"1:1  hello is text; expected a mapping with the keys {SECTIONS}"]),
    "top level is a list": ("\n- a\n", [f"2:1  a list; expected a mapping with the keys {SECTIONS}"]),
    "top level is null": ("null\n", [f"1:1  null is no value; expected a mapping with the keys {SECTIONS}"]),
    "duplicate key": (
        "loki: {}\nports: {}\nloki: {}\n",
        ["3:1  loki  the key stands twice, in line 1 and line 3; expected each key once; remove one of the two"],
    ),
    "taken port, the other one a default": (
        "ports: {loki: 9090}\n",
        ["1:15  ports.loki  prometheus and loki take the same port 9090; expected a port of its own for each service"],
    ),
    "time-out beyond the interval": (
        "prometheus:\n  scrape_interval: 5s\n",
        [
            "2:20  prometheus.scrape_interval  scrape_timeout 10s is longer than scrape_interval 5s; "
            "expected a time-out of at most the interval"
        ],
    ),
    "a wrong value hides no misfit": (
        "ports: {prometheus: x, loki: 9100}\n",
        [
            f"1:21  ports.prometheus  x is text; expected {PORT}",
            "1:30  ports.loki  loki and node_exporter take the same port 9100; "
            "expected a port of its own for each service",
        ],
    ),
    "a default that stands in is no misfit": (
        "prometheus: {scrape_interval: 5x, scrape_timeout: 1m}\n",
        [f"1:31  prometheus.scrape_interval  5x does not fit; expected {DURATION}"],
    ),
    "job named twice, beside a wrong item": (
        "prometheus:\n  extra_targets:\n    - 7\n    - {job: a, targets: ['b:1']}\n    - {job: a, targets: ['c:1']}\n",
        [
            "3:7  prometheus.extra_targets[0]  7 is a number; expected a mapping with the keys job, targets, labels",
            "5:13  prometheus.extra_targets[2].job  job a is named 2 times; "
            "expected one entry a job, with all its targets",
        ],
    ),
    "retention that Loki refuses": (
        "loki: {retention: 1h}\n",
        ["1:19  loki.retention  retention 1h does not fit Loki; expected whole hours, at least 24h"],
    ),
    "tabs": (
        "loki:\n\tretention: 7d\nports:\n\tloki: 1\n",
        ["2:1  a tab in the indentation; expected spaces", "4:1  a tab in the indentation; expected spaces"],
    ),
    "colon in a value": (
        "loki: retention: 7d\n",
        [
            "1:16  a colon where no key can stand; expected one `key: value` a line, keys of one section in one "
            "column; quote a value that holds a colon"
        ],
    ),
    "indentation": (
        "loki:\n  retention: 7d\n resources: {}\n",
        ["3:2  the line does not fit the section above it; expected keys of one section in one column"],
    ),
    "open quote": ("loki:\n  retention: '7d\n", ["2:14  a quoted text is not closed; expected a closing quote"]),
    "open bracket": (
        "prometheus: {extra_targets: [a}\n",
        ["1:31  a list in brackets is not closed; expected `,` or `]`"],
    ),
    "list item beside a key": (
        "loki: - a\n",
        ["1:7  a list item where none can stand; expected each `- item` in a line of its own, below the list's key"],
    ),
    "text behind a bar": (
        "loki: |x\n",
        ["1:8  text behind `|` or `>`; expected the text in the lines below, indented; quote a text that begins so"],
    ),
    "escape": (
        'loki: "\\q"\n',
        ["1:7  an escape that YAML does not know; expected single quotes, or `\\\\`"],
    ),
    "unknown alias": ("loki: *x\n", ["1:7  an alias without its anchor; expected `&name` above `*name`"]),
    "alias inside itself": (
        "loki: &a [*a]\n",
        [
            "1:7  nested too deep, or too many values; "
            "expected at most 32 levels and 20000 values, aliases included, and no alias inside itself"
        ],
    ),
    "deep nesting": (
        "[" * 100_000,
        [
            "1:33  nested too deep, or too many values; "
            "expected at most 32 levels and 20000 values, aliases included, and no alias inside itself"
        ],
    ),
    "merge of no mapping": (
        "loki: {<<: 3}\n",
        ['1:12  loki["<<"]  3 cannot be merged; expected an alias of a mapping'],
    ),
    "two documents": (
        "loki: {}\n---\nports: {}\n",
        ["2:1  a second document; expected one document a file, without a second `---`"],
    ),
    "control character": (
        "loki:\n  retention: 7d\0\n",
        ["2:16  a control character (U+0000); expected text and line ends only"],
    ),
    "tag": (
        "loki: !!python/object:os.system {}\n",
        ["1:7  loki  the tag !!python/object:os.system; expected a value without a tag"],
    ),
    "impossible date": (
        "loki: {retention: 2024-13-45}\n",
        ["1:19  loki.retention  2024-13-45 looks like a date but is none; expected quotes around text"],
    ),
    "the value of an unknown key is not shown": (
        f"vault_password: {'7' * 200}\n",
        [f"1:1  vault_password  unknown key; expected one of {SECTIONS}"],
    ),
    "a target that is reserved": (
        "target: kubernetes\n",
        ["1:9  target  kubernetes is reserved for a target that is not there yet; expected docker"],
    ),
    "a target that is misspelt": (
        "target: dokcer\n",
        ["1:9  target  dokcer does not fit; expected docker; did you mean docker?"],
    ),
    "password in an address": (
        "prometheus: {remote_write: [{url: 'https://me:hunter2@store.example.org/write'}]}\n",
        [f'1:35  prometheus.remote_write[0].url  "https://…@store.example.org/write" does not fit; expected {URL}'],
    ),
    "address without a scheme": (
        "alertmanager: {receivers: [{name: a, url: chat.example.org}]}\n",
        [f"1:43  alertmanager.receivers[0].url  chat.example.org does not fit; expected {URL}"],
    ),
    "receiver named like the built-in one": (
        "alertmanager: {receivers: [{name: alert-sink, url: 'http://a'}]}\n",
        [
            "1:35  alertmanager.receivers[0].name  the name alert-sink is taken; "
            "expected a name of its own for each receiver; alert-sink and console are built in"
        ],
    ),
    "receiver named twice": (
        "alertmanager:\n  receivers:\n    - {name: a, url: 'http://a'}\n    - {name: a, url: 'http://b'}\n",
        [
            f"{line}:14  alertmanager.receivers[{place}].name  the name a is taken; "
            "expected a name of its own for each receiver; alert-sink and console are built in"
            for place, line in enumerate((3, 4))
        ],
    ),
    "severity": (
        "alertmanager: {receivers: [{name: a, url: 'http://a', severities: [critcal]}]}\n",
        [
            "1:68  alertmanager.receivers[0].severities[0]  critcal does not fit; "
            "expected one of critical, warning, info; did you mean critical?"
        ],
    ),
    "share above one": (
        "alerts: {disk_free: 10}\n",
        ["1:21  alerts.disk_free  10 is out of range; expected a number above 0 and below 1"],
    ),
    "thresholds of alerts out of range": (
        "alerts:\n  workflows: {failure_rate: 1.5, least: 0}\n  cost: {spike: 1}\n  runners: {version_days: 31}\n",
        [
            "2:29  alerts.workflows.failure_rate  1.5 is out of range; expected a number above 0 and below 1",
            "2:41  alerts.workflows.least  0 is out of range; expected a whole number from 1 to 1000000",
            "3:17  alerts.cost.spike  1 is out of range; expected a number above 1 and at most 1000",
            "4:27  alerts.runners.version_days  31 is out of range; expected a whole number from 1 to 30",
        ],
    ),
    "thresholds that nothing reaches": (
        "alerts:\n  series: 1000000000\n  cost: {daily_budget: .inf}\n  agents: {errors: 2000000}\n"
        "  system: {event_loop_lag: 3s}\n  deployments: {slow: 2h}\n",
        [
            "2:11  alerts.series  1000000000 is out of range; expected a whole number from 1 to 100000000",
            "3:24  alerts.cost.daily_budget  .inf is out of range; expected a number above 0 and at most 1000000",
            "4:20  alerts.agents.errors  2000000 is out of range; expected a whole number from 1 to 1000000",
            "5:28  alerts.system.event_loop_lag  event_loop_lag 3s is never exceeded: times beyond 2500ms are not "
            "told apart; expected less than 2500ms",
            "6:23  alerts.deployments.slow  slow 2h is never exceeded: times beyond 2h are not told apart; "
            "expected less than 2h",
        ],
    ),
    "window of an alert that cannot be judged": (
        "alerts: {agents: {window: 1m}}\n",
        ["1:27  alerts.agents.window  window 1m cannot be judged; expected from 5m to 7d"],
    ),
    "warning of a secret that never ends": (
        "alerts: {runners: {secret_warning: 120d}}\n",
        [
            "1:36  alerts.runners.secret_warning  secret_warning 120d is not shorter than secret_age 90d; "
            "expected a warning within the secret's age"
        ],
    ),
    "retention that Tempo refuses": (
        "tempo: {retention: 10m}\n",
        [
            "1:20  tempo.retention  retention 10m does not fit Tempo; "
            "expected at least 1h: blocks are compacted before they are dropped"
        ],
    ),
    "request that does not fit in memory": (
        "collector:\n  max_request: 256MiB\n",
        [
            "2:16  collector.max_request  max_request 256MiB is more than a quarter of memory 512MiB; "
            "expected a quarter of the memory or less"
        ],
    ),
    "memory that a request does not fit in": (
        "collector: {resources: {memory: 8MiB}}\n",
        [
            "1:33  collector.resources.memory  max_request 4MiB is more than a quarter of memory 8MiB; "
            "expected a quarter of the memory or less"
        ],
    ),
    "probes without their exporter": (
        "exporters: {blackbox: {enabled: false, probes: [{job: a, targets: ['http://b']}]}}\n",
        ["1:33  exporters.blackbox.enabled  probes are declared, but not enabled; expected enabled: true"],
    ),
    "probe job named twice": (
        "exporters: {blackbox: {probes: [{job: a, targets: ['b:1']}, {job: a, targets: ['c:1']}]}}\n",
        [
            f"1:{column}  exporters.blackbox.probes[{place}].job  job a is named 2 times; "
            "expected one entry a job, with all its targets"
            for place, column in enumerate((39, 67))
        ],
    ),
    "what a probe cannot ask": (
        "exporters: {blackbox: {probes: [{job: a, targets: [example.org]}]}}\n",
        [
            "1:52  exporters.blackbox.probes[0].targets[0]  example.org does not fit; "
            "expected a URL, or a host name and port, such as https://example.org"
        ],
    ),
    "port that another service has by default": (
        "ports: {pushgateway: 4317}\n",
        [
            "1:22  ports.pushgateway  otlp_grpc and pushgateway take the same port 4317; "
            "expected a port of its own for each service"
        ],
    ),
    "traces without a way to them": (
        "collector: {enabled: false}\n",
        [
            "1:22  collector.enabled  tempo is enabled, but not the collector, by which spans reach it; "
            "expected both enabled, or tempo: {enabled: false} as well"
        ],
    ),
    "a kind of receiver that there is not": (
        "alertmanager: {receivers: [{kind: slak, name: a}]}\n",
        [
            "1:35  alertmanager.receivers[0].kind  slak does not fit; "
            "expected one of discord, email, github_issue, slack, webhook; did you mean slack?"
        ],
    ),
    "a key of another kind of receiver": (
        "alertmanager: {receivers: [{kind: slack, name: a, webhook_url: {file: /a}, url: 'http://a'}]}\n",
        [
            "1:76  alertmanager.receivers[0].url  unknown key; "
            "expected one of name, severities, send_resolved, kind, webhook_url, channel"
        ],
    ),
    "a receiver without its secret": (
        "alertmanager: {receivers: [{kind: slack, name: a}, {kind: discord, name: b, webhook_url: {}}]}\n",
        [
            "1:28  alertmanager.receivers[0].webhook_url  webhook_url is missing; "
            "expected a mapping with the keys file, environment",
            "1:77  alertmanager.receivers[1].webhook_url.file  nothing says where the address is; "
            "expected either file or environment",
        ],
    ),
    "a login without a password": (
        "alertmanager: {receivers: [{kind: email, name: a, to: a@b, sender: c@d, smarthost: 'e:25', username: f}]}\n",
        ["1:102  alertmanager.receivers[0].username  username is declared without password; expected password as well"],
    ),
    "severities told twice": (
        "alertmanager: {receivers: [{name: a, url: 'http://a', severities: [info]}], routes: [{receiver: a}]}\n",
        [
            "1:67  alertmanager.receivers[0].severities  routes say what a gets, and severities say it again; "
            "expected severities in the routes, and none here"
        ],
    ),
    "routes that lead nowhere": (
        "alertmanager:\n  receivers: [{name: a, url: 'http://a'}]\n  dead_man: b\n  routes:\n"
        "    - {receiver: b}\n    - {receiver: a, mute_times: [nights]}\n    - {receiver: console}\n",
        [
            "3:13  alertmanager.dead_man  there is no receiver b; expected one that is declared: a",
            "5:18  alertmanager.routes[0].receiver  there is no receiver b; expected one that is declared: a",
            "6:34  alertmanager.routes[1].mute_times[0]  there is no mute time nights; "
            "expected one that is declared: none is declared",
            "7:18  alertmanager.routes[2].receiver  console gets every alert without a route; "
            "expected one of alertmanager.receivers",
        ],
    ),
    "matchers that Alertmanager does not know": (
        "alertmanager:\n  receivers: [{name: a, url: 'http://a'}]\n  routes:\n"
        "    - {receiver: a, matchers: [job=api, 'job=~\"(\"']}\n",
        [
            f"4:32  alertmanager.routes[0].matchers[0]  job=api does not fit; expected {MATCHER}",
            "4:41  alertmanager.routes[0].matchers[1]  the pattern is wrong: missing ), unterminated subpattern at "
            f"position 0; expected {MATCHER}",
        ],
    ),
    "mute times that are none": (
        "alertmanager:\n  mute_times:\n    - {name: a}\n    - {name: b, hours: [{begin: '20:00', end: '06:00'}]}\n"
        "    - {name: a, weekdays: [sunday]}\n",
        [
            "3:14  alertmanager.mute_times[0].name  a is at all times; expected weekdays, hours, or both",
            "4:47  alertmanager.mute_times[1].hours[0].end  20:00 to 06:00 ends before it has begun; expected an end "
            'on the same day; a night is two: "20:00" to "24:00", "00:00" to "06:00"',
        ],
    ),
    "a mute time named twice": (
        "alertmanager:\n  mute_times:\n    - {name: a, weekdays: [sunday]}\n    - {name: a, weekdays: [monday]}\n",
        [
            f"{line}:14  alertmanager.mute_times[{place}].name  the name a is taken; "
            "expected a name of its own for each mute time"
            for place, line in enumerate((3, 4))
        ],
    ),
    "issues without the notifier": (
        "notifier: {enabled: false}\nalertmanager:\n  receivers:\n"
        "    - {kind: github_issue, name: a, repository: a/b, token: {file: /x}}\n",
        [
            "1:21  notifier.enabled  the receiver a is told by the notifier, which is not enabled; "
            "expected enabled: true, or another kind of receiver"
        ],
    ),
    "receivers that nobody tells": (
        "alertmanager: {enabled: false, receivers: [{name: a, url: 'http://a'}]}\n",
        [
            "1:25  alertmanager.enabled  receivers are declared, but alertmanager is not enabled; "
            "expected enabled: true, or no receivers"
        ],
    ),
    "an existing Prometheus that is each container itself": (
        "prometheus: {existing: 'http://localhost:9090'}\n",
        [
            "1:24  prometheus.existing  existing http://localhost:9090 would lead each container to itself; "
            "expected a name or an address that is the same on every host"
        ],
    ),
    "an existing Prometheus that decides itself": (
        "prometheus:\n  existing: http://p:9090\n  retention: {time: 1d}\n  sample_limit: 5\n",
        [
            "3:14  prometheus.retention  retention is declared, but the existing Prometheus has its own; "
            "expected no retention beside existing",
            "4:17  prometheus.sample_limit  sample_limit is declared, but the existing Prometheus has its own; "
            "expected no sample_limit beside existing",
        ],
    ),
    "an existing Prometheus that would scrape nowhere": (
        "prometheus: {existing: 'http://p:9090'}\nnetwork: {bind: 0.0.0.0}\n",
        [
            "2:17  network.bind  an existing Prometheus cannot scrape 0.0.0.0; "
            "expected this machine's address that it reaches"
        ],
    ),
    "an address with a slash at its end": (
        "prometheus: {existing: 'http://p:9090/'}\n",
        [
            '1:24  prometheus.existing  "http://p:9090/" does not fit; expected an address with http:// or https://, '
            "without user or password and without a slash at the end, such as http://store.example.org:9090 or null"
        ],
    ),
}
