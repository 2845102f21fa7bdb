"""PromQL for few events: what was counted in a window to the last one, and what share of it."""

from __future__ import annotations


def grown(counter: str, by: str, window: str, back: str = "") -> str:
    """How much the counters of a selector grew in a window, summed by labels; `back` is how long ago the window ended.

    Not by `increase`, which does not see the growth that a series begins with: of a process that ends after one run it
    would count nothing. What was there before is its last value within a window before, so that a gap in the samples
    is no growth. A counter that begins anew within one series is counted too low for one window; a Prometheus without a
    past takes what counters hold for growth, for one window.
    """
    ago = f" offset {back}" if back else ""
    highest = f"max_over_time({counter}[{window}]{ago})"
    before = f"last_over_time({counter}[{window}] offset {_sum(window, back) if back else window})"
    return f"sum by ({by}) (clamp_min({highest} - ({before} or 0 * {highest}), 0))"


def share(part: str, whole: str, by: str, window: str, more_than: float, least: int) -> str:
    """Fires where the share of events of the selector `part` in those of `whole` is too large, and they are enough."""
    every = grown(whole, by, window)
    return f"{grown(part, by, window)} / {every} > {more_than:g} and {every} >= {least}"


def slow(histogram: str, matchers: str, by: str, window: str, quantile: float, seconds: float, least: int) -> str:
    """Fires where a quantile of a histogram's observations in a window is too long, and there are enough of them."""
    buckets = grown(f"{histogram}_bucket{matchers}", f"{by}, le", window)
    count = grown(f"{histogram}_count{matchers}", by, window)
    return f"histogram_quantile({quantile:g}, {buckets}) > {seconds:g} and {count} >= {least}"


def _sum(*durations: str) -> str:
    """Durations of one unit added, as Prometheus writes them: `6h` and `24h` are `30h`."""
    unit = durations[0][-1]
    assert all(each[-1] == unit for each in durations)
    return f"{sum(int(each[:-1]) for each in durations)}{unit}"
