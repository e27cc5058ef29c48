from __future__ import annotations

from dataclasses import replace

from service.boards.oversell import OversellRow, actuators_text

ROW = OversellRow(
    *("pool", "prod", "general", "general", "cpu", 3),
    *(40.0, 30.0, 20.0, 0.75, 1.2, 1.1, 0.01, 0.01, 14.0, "a webhook", "nothing"),
)


def test_what_acts_on_every_pool_is_said_once() -> None:
    other = replace(ROW, pool="memory", name="memory")
    assert actuators_text((ROW, other)) == "What can act on it: a webhook."


def test_pools_with_other_means_are_named() -> None:
    other = replace(ROW, pool="spot", name="spot", actuator="nothing")
    assert actuators_text((ROW, other)) == "prod / general: a webhook; prod / spot: nothing"


def test_without_pools_nothing_is_said() -> None:
    assert actuators_text(()) == ""
