"""Laws of the lake: whatever is written, in whatever order, the last word on an hour holds."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.warehouse import container_rows

from models.vocabulary.windows import HourWindow
from warehouse.lake.contents import HOUR_TABLES
from warehouse.lake.location import LakeRoot
from warehouse.lake.store import Lake

START = datetime(2026, 10, 1, 20, tzinfo=UTC)
WRITES = st.lists(
    st.tuples(st.sampled_from(["alpha", "beta"]), st.integers(0, 7), st.integers(1, 8), st.integers(0, 3)),
    min_size=1,
    max_size=5,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(WRITES)
def test_the_last_write_of_an_hour_holds(writes: list[tuple[str, int, int, int]]) -> None:
    expected: dict[tuple[str, datetime], int] = {}
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(LakeRoot.parse(folder), query_threads=1)
        lake.create_tables()
        for cluster, first, count, pods in writes:
            start = START + timedelta(hours=first)
            window = HourWindow(start, start + timedelta(hours=count))
            lake.replace("container_hour", cluster, window, _rows(cluster, window, pods))
            expected |= {(cluster, hour): pods for hour in window.hours()}
        found: dict[tuple[str, datetime], int] = {}
        for row in lake.scan("container_hour", columns=["cluster", "hour"]).to_pylist():
            key = (row["cluster"], row["hour"])
            found[key] = found.get(key, 0) + 1
        lake.close()
    assert found == {key: pods for key, pods in expected.items() if pods}


def _rows(cluster: str, window: HourWindow, pods: int) -> pa.Table:
    return container_rows(cluster, window, pods) if pods else container_rows(cluster, window).slice(0, 0)


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(6)), st.integers(1, 5))
def test_a_checksum_does_not_depend_on_the_order_of_rows(order: list[int], cut: int) -> None:
    window = HourWindow(START, START + timedelta(hours=2))
    rows = container_rows("alpha", window, pods=3)
    shuffled = rows.take(pa.array(order))
    again = pa.concat_tables([shuffled.slice(0, cut), shuffled.slice(cut)])
    lake = Lake(LakeRoot.parse("/nowhere"), query_threads=1)
    one: dict[datetime, dict[str, object]] = {}
    two: dict[datetime, dict[str, object]] = {}
    from warehouse.lake.conform import conform

    lake.add_contents_of(one, "container_hour", conform("container_hour", rows))
    lake.add_contents_of(two, "container_hour", conform("container_hour", again))
    lake.close()
    assert one == two
    assert set(HOUR_TABLES) >= {"container_hour", "node_hour"}
