"""Another version of a service takes up the data of the one before, and that one takes it up again."""

from __future__ import annotations

from pointsman.services import labels
from tests.deployed.estate import Estate, eventually
from tests.deployed.markers import log, logged
from tests.deployed.variants import locked_to, untag

VARIANT = "upgraded"


def test_an_upgrade_keeps_data(estate: Estate) -> None:
    """What Loki and Prometheus got before an upgrade, and during the next version's time, is found after each change.

    The next version is a stand-in: an image with another id, label and content, in which the same programs run, since
    building a second version of either takes minutes. So this proves the way of the data through a change of images
    (containers replaced, volumes taken over, stores opened again), and not that two releases read each other's files.
    """
    line, value, before = log(estate), estate.mark(), estate.ids()
    volumes = estate.volumes()
    with (
        locked_to(estate, "loki", name=f"{VARIANT}-loki", path="/etc/version", content=b"next") as next_loki,
        locked_to(
            estate, "prometheus", name=f"{VARIANT}-prometheus", path="/etc/version", content=b"next"
        ) as next_prom,
    ):
        done = estate.pulumi_up()
        assert {name for op, name in done if op == "create-replacement"} >= {"loki", "prometheus"}
        running = estate.containers()
        assert [running[name].attrs["Image"] for name in ("loki", "prometheus")] == [next_loki, next_prom]
        assert VARIANT in running["loki"].labels[labels.IMAGE]
        eventually(lambda: logged(estate, line))
        assert estate.marked(value)
        later, next_value = log(estate), estate.mark()

    estate.pulumi_up()
    after = estate.ids()
    assert after["loki"] != before["loki"]
    eventually(lambda: logged(estate, line) and logged(estate, later))
    assert estate.marked(value)
    assert estate.marked(next_value)
    assert estate.volumes() == volumes
    untag(estate, f"{VARIANT}-loki")
    untag(estate, f"{VARIANT}-prometheus")
