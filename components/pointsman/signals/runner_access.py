"""Alerts on what runners need of GitHub: secrets and tokens that are still good, and a way there."""

from __future__ import annotations

from pointsman.signals.counting import grown
from pointsman.signals.model import Alert, RuleGroup, Severity
from pointsman.spec.models import Environment
from pointsman.spec.scalars import duration_seconds

OWNER = "runners"
BOARD = "runner-fleet"
CONNECT_ERROR = "connect_error"
"""The class of errors in a runner's logs that tell of the network."""
REFUSED = grown('pointsman_github_errors_total{class=~"bad_token|missing_permission"}', "class", "15m")
AGE = "pointsman_github_secret_age_seconds"


def secrets(spec: Environment) -> RuleGroup:
    """Secrets that are missing or old, and a token that ends or is refused."""
    limits = spec.alerts.runners
    oldest = duration_seconds(limits.secret_age)
    soon = oldest - duration_seconds(limits.secret_warning)
    return RuleGroup(
        "runners-secrets",
        (
            _alert(
                "SecretMissing",
                "pointsman_github_secret_present == 0",
                "15m",
                "critical",
                "The secret {{ $labels.secret }} is not set",
                "Workflows that use {{ $labels.secret }} get an empty value.",
            ),
            _alert(
                "SecretExpiring",
                f"{AGE} > {soon:.0f} <= {oldest:.0f}",
                "1h",
                "warning",
                "The secret {{ $labels.secret }} is due for rotation",
                f"Set {{{{ $value | humanizeDuration }}}} ago; {limits.secret_age} are allowed.",
            ),
            _alert(
                "SecretExpired",
                f"{AGE} > {oldest:.0f}",
                "1h",
                "critical",
                "The secret {{ $labels.secret }} is too old",
                f"Set {{{{ $value | humanizeDuration }}}} ago; {limits.secret_age} are allowed.",
            ),
            *_token(spec),
        ),
    )


def _token(spec: Environment) -> tuple[Alert, ...]:
    left = "pointsman_github_token_expiry_timestamp_seconds - time()"
    return (
        _alert(
            "GitHubTokenExpiring",
            f"{left} < {duration_seconds(spec.alerts.runners.token_warning):.0f}",
            "15m",
            "warning",
            "The GitHub token ends soon",
            "It ends in {{ $value | humanizeDuration }}; then runners are neither watched nor registered.",
        ),
        _alert(
            "GitHubTokenRefused",
            f"{REFUSED} > 0",
            "2m",
            "critical",
            "GitHub refuses the token ({{ $labels.class }})",
            "{{ $value | humanize }} requests in 15m; runners are not watched meanwhile.",
        ),
    )


def network(spec: Environment) -> RuleGroup:
    """The way to GitHub: from the environment, from each host, and how often it may still be asked."""
    limits = spec.alerts.runners
    left, limit = (f"pointsman_github_rate_limit_{what}" for what in ("left", "limit"))
    return RuleGroup(
        "runners-network",
        (
            _alert(
                "GitHubUnreachable",
                # A refused token is another fault, with an alert of its own.
                f"pointsman_github_poll_success == 0 unless on () {REFUSED} > 0",
                limits.unreachable_for,
                "critical",
                "GitHub cannot be asked",
                f"For {limits.unreachable_for} no poll of {{{{ $labels.instance }}}} went well: what is known of the "
                "runners grows old.",
            ),
            _alert(
                "RunnerNetworkUnreachable",
                f'pointsman_runner_diag_error{{class="{CONNECT_ERROR}"}} == 1',
                limits.offline_for,
                "warning",
                "The runner of {{ $labels.host }} cannot reach GitHub",
                f"Connect errors on {{{{ $labels.host }}}} for {limits.offline_for}, and no reconnection.",
            ),
            _alert(
                "RateLimitLow",
                f"{left} / {limit} < {limits.rate_limit:g}",
                "5m",
                "warning",
                "GitHub's rate limit {{ $labels.bucket }} is nearly used up",
                f"{{{{ $value | humanizePercentage }}}} are left until its reset; below {limits.rate_limit:.0%} it "
                "belongs to those who act.",
            ),
        ),
    )


def _alert(name: str, expr: str, hold: str, severity: Severity, summary: str, description: str) -> Alert:
    return Alert(name, expr, severity, summary, description, hold, owner=OWNER, dashboard=BOARD)
