from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.simulated_files import NODE_ROW, START, lake_rows, observe_rows, total, usage_row, write_rows

from ingest.files.source import FileSource
from models.vocabulary.errors import InputError
from models.vocabulary.windows import HOUR, HourWindow
from warehouse.observed import WindowState


def full_hour(**changes: object) -> list[dict[str, object]]:
    return [usage_row(minute, **changes) for minute in range(0, 60, 5)]


def test_a_full_hour_is_running_time_usage_and_request_of_that_hour(tmp_path: Path) -> None:
    observed = observe_rows(tmp_path, full_hour(cpu_usage_cores=0.25))
    (row,) = lake_rows(observed, "container_hour")
    assert row["running_seconds"] == 3600
    assert row["cpu_usage_core_seconds"] == pytest.approx(900)
    assert row["cpu_request_core_seconds"] == 3600
    assert row["memory_request_byte_seconds"] is None
    assert row["cpu_usage_cores_by_5m"] == [0.25] * 12
    assert row["node_key"] == "node-a@2026-10-01T00:00:00Z"
    assert [report.state for report in observed.hours] == [WindowState.COMPLETE]


def test_a_pod_of_23_seconds_keeps_its_23_seconds(tmp_path: Path) -> None:
    start = "2026-10-05T10:02:17Z"
    observed = observe_rows(
        tmp_path,
        [*full_hour(), usage_row(pod="job-1", pod_uid="u2", interval_start=start, interval_seconds=23)],
    )
    row = next(row for row in lake_rows(observed, "container_hour") if row["pod"] == "job-1")
    assert row["running_seconds"] == 23
    assert row["cpu_usage_core_seconds"] == pytest.approx(11.5)
    assert row["cpu_request_core_seconds"] == 23


@pytest.mark.parametrize("seconds", [1, 60, 900, 3600])
def test_every_interval_gives_the_same_core_seconds(tmp_path: Path, seconds: int) -> None:
    rows = [usage_row(at / 60, interval_seconds=seconds) for at in range(0, 3600, seconds)]
    observed = observe_rows(tmp_path, rows)
    (row,) = lake_rows(observed, "container_hour")
    assert row["running_seconds"] == 3600
    assert row["cpu_usage_core_seconds"] == pytest.approx(1800)
    assert row["cpu_usage_cores_by_5m"] == [0.5] * 12


def test_a_one_minute_maximum_is_known_from_fine_intervals_and_unknown_from_coarse_ones(
    tmp_path: Path,
) -> None:
    fine = [usage_row(minute, interval_seconds=60, cpu_usage_cores=minute % 5) for minute in range(60)]
    (row,) = lake_rows(observe_rows(tmp_path, fine), "container_hour")
    assert row["cpu_usage_cores_max_1m_by_5m"] == [4.0] * 12
    coarse = [usage_row(minute, interval_seconds=900) for minute in range(0, 60, 15)]
    (row,) = lake_rows(observe_rows(tmp_path, coarse), "container_hour")
    assert row["cpu_usage_cores_max_1m_by_5m"] is None
    assert row["memory_usage_bytes_max_by_5m"] is None


def test_below_half_coverage_usage_is_missing_and_the_request_stands(tmp_path: Path) -> None:
    rows = [usage_row(0), usage_row(5), usage_row(55)]
    (row,) = lake_rows(observe_rows(tmp_path, rows), "container_hour")
    assert row["running_seconds"] == 3600
    assert row["cpu_usage_core_seconds"] is None
    assert row["cpu_request_core_seconds"] == 3600
    assert row["sample_coverage_ratio"] == pytest.approx(0.25)


def test_an_empty_usage_cell_is_missing_not_zero(tmp_path: Path) -> None:
    (row,) = lake_rows(observe_rows(tmp_path, full_hour(cpu_usage_cores="")), "container_hour")
    assert row["cpu_usage_core_seconds"] is None
    assert row["memory_usage_byte_seconds"] == pytest.approx(3600e9)


def test_hours_between_two_observations_are_there_with_the_request_that_held(tmp_path: Path) -> None:
    rows = [usage_row(0), usage_row(4 * 60)]
    observed = observe_rows(tmp_path, rows)
    found = lake_rows(observed, "container_hour")
    assert [row["running_seconds"] for row in found] == [3600, 3600, 3600, 3600, 300]
    assert found[1]["cpu_request_core_seconds"] == 3600
    assert found[1]["cpu_usage_core_seconds"] is None
    assert observed.hours[1].state is WindowState.PARTIAL


@pytest.mark.parametrize("hours", [1, 2])
def test_an_hour_is_the_same_in_whatever_window_it_is_asked(tmp_path: Path, hours: int) -> None:
    rows = [usage_row(0), usage_row(61), usage_row(3 * 60 + 20), usage_row(5 * 60)]
    usage = write_rows(tmp_path / "usage.csv", rows)
    nodes = write_rows(tmp_path / "nodes.csv", [NODE_ROW])
    whole = HourWindow(START, START + 6 * HOUR)
    with FileSource([usage], [nodes]) as source:
        at_once = source.observe("prod", whole)
        parts = [source.observe("prod", window) for window in whole.split(hours * HOUR)]
    for table in ("container_hour", "pod_hour", "node_hour"):
        assert [row for part in parts for row in lake_rows(part, table)] == lake_rows(at_once, table)
    assert [report for part in parts for report in part.hours] == list(at_once.hours)


def test_a_window_worked_through_in_parts_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        usage_row(minute, labels=f'{{"version":"{minute // 60}"}}', oom_killed_count="")
        for minute in range(0, 6 * 60, 5)
    ]
    rows += [usage_row(minute, pod="bare", pod_uid="u2", workload_kind="Pod") for minute in range(0, 360, 5)]
    usage = write_rows(tmp_path / "usage.csv", rows)
    with FileSource([usage]) as source:
        at_once = source.observe("prod", HourWindow(START, START + 6 * HOUR))
        monkeypatch.setattr("ingest.files.source._ROWS_PER_PART", 30)
        in_parts = source.observe("prod", HourWindow(START, START + 6 * HOUR))
    assert at_once.hours == in_parts.hours
    for table in at_once.tables:
        left, right = (sorted(lake_rows(one, table), key=str) for one in (at_once, in_parts))
        assert left == right


def test_a_pod_without_uid_is_another_one_after_a_gap(tmp_path: Path) -> None:
    rows = [usage_row(minute, pod_uid="") for minute in (0, 5, 10, 180, 185)]
    uids = [row["pod_uid"] for row in lake_rows(observe_rows(tmp_path, rows), "container_hour")]
    assert len(set(uids)) == 2
    assert all(str(uid).startswith("file-") for uid in uids)


def test_the_same_row_twice_is_counted_once(tmp_path: Path) -> None:
    observed = observe_rows(tmp_path, [*full_hour(), *full_hour()])
    assert total(observed.tables["container_hour"], "cpu_usage_core_seconds") == pytest.approx(1800)


def test_two_values_for_one_moment_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"usage.csv, row 13, field interval_start.*pod shop-5d8f-x2x4z, container app"
    ):
        observe_rows(tmp_path, [*full_hour(), usage_row(10, cpu_usage_cores=0.9)])


def test_a_node_that_no_file_describes_is_kept_and_reported(tmp_path: Path) -> None:
    observed = observe_rows(tmp_path, full_hour(node="node-b"))
    (row,) = lake_rows(observed, "container_hour")
    assert row["node_key"] == "node-b"
    assert observed.hours[0].note == "nodes that no file describes: node-b"


def test_a_node_stands_for_the_seconds_of_its_rows(tmp_path: Path) -> None:
    nodes = [
        {**NODE_ROW, "valid_to": "2026-10-05T10:15:00Z"},
        {**NODE_ROW, "valid_from": "2026-10-05T10:30:00Z"},
    ]
    observed = observe_rows(tmp_path, full_hour(), nodes)
    found = {row["node_key"]: row["running_seconds"] for row in lake_rows(observed, "node_hour")}
    assert found == {"node-a@2026-10-01T00:00:00Z": 900, "node-a@2026-10-05T10:30:00Z": 1800}


def test_a_change_of_type_without_a_gap_stays_one_machine(tmp_path: Path) -> None:
    nodes = [
        {**NODE_ROW, "valid_to": "2026-10-05T10:15:00Z"},
        {**NODE_ROW, "valid_from": "2026-10-05T10:15:00Z", "cpu_capacity_cores": 4},
    ]
    (row,) = lake_rows(observe_rows(tmp_path, full_hour(), nodes), "node_hour")
    assert row["running_seconds"] == 3600
    assert row["cpu_capacity_cores"] == pytest.approx(3.5)


def test_hours_before_the_first_row_are_no_gap_and_hours_after_the_last_are_owed(tmp_path: Path) -> None:
    usage = write_rows(tmp_path / "usage.csv", full_hour())
    with FileSource([usage]) as source:
        window = HourWindow(START - HOUR, START + 2 * HOUR)
        states = [report.state for report in source.observe("prod", window).hours]
    assert states == [WindowState.BEFORE_HISTORY, WindowState.COMPLETE, WindowState.FAILED]


def test_an_hour_in_which_the_files_begin_is_partial(tmp_path: Path) -> None:
    observed = observe_rows(tmp_path, full_hour()[3:])
    assert observed.hours[0].state is WindowState.PARTIAL


def test_labels_become_one_label_set_and_the_revision(tmp_path: Path) -> None:
    labels = '{"team":"shop","pod-template-hash":"5d8f"}'
    observed = observe_rows(tmp_path, full_hour(labels=labels))
    (pod,) = lake_rows(observed, "pod_hour")
    (label_set,) = lake_rows(observed, "label_set")
    assert pod["label_set_id"] == label_set["label_set_id"]
    assert label_set["labels"] == '{"pod-template-hash":"5d8f","team":"shop"}'
    assert lake_rows(observed, "container_hour")[0]["revision"] == "5d8f"


def test_quantities_of_kubernetes_are_read(tmp_path: Path) -> None:
    (row,) = lake_rows(observe_rows(tmp_path, full_hour(cpu_request_cores="250m")), "container_hour")
    assert row["cpu_request_core_seconds"] == pytest.approx(900)


def test_oldest_and_newest_are_those_of_all_files(tmp_path: Path) -> None:
    write_rows(tmp_path / "a.csv", full_hour())
    write_rows(tmp_path / "b.csv", [usage_row(90)])
    with FileSource([tmp_path]) as source:
        assert source.clusters() == ["prod"]
        assert source.oldest("prod") == START
        assert source.newest("prod") == datetime(2026, 10, 5, 11, 35, tzinfo=UTC)
        assert source.oldest("other") is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cpu_usage_cores": "1.2.3"}, r"row 2, field cpu_usage_cores: value '1.2.3' is no number"),
        ({"cpu_usage_cores": -1}, r"row 2, field cpu_usage_cores: value -1.0 is negative"),
        ({"interval_start": "2026-10-05T10:05:00"}, r"row 2, field interval_start.*has no time zone"),
        ({"interval_start": "yesterday"}, r"row 2, field interval_start.*is not a time"),
        ({"interval_start": "2026-10-05T10:59:00Z"}, r"row 2.*crosses a full hour"),
        ({"interval_seconds": 0}, r"row 2, field interval_seconds: value 0 is not between 1 and 3600"),
        ({"interval_seconds": 1.5}, r"row 2, field interval_seconds.*is not a whole number"),
        ({"namespace": ""}, r"row 2, field namespace: is empty"),
        ({"cluster": "Prod EU"}, r"row 2, field cluster: value 'Prod EU' is not a cluster name"),
        ({"labels": "{'team'}"}, r"field labels.*is not JSON"),
        ({"colour": "red"}, r"field colour: is not a column"),
        ({"cpu_throttled_ratio": 1.5}, r"row 2, field cpu_throttled_ratio: value 1.5 is greater than 1"),
    ],
)
def test_a_bad_cell_is_named_with_file_row_field_and_value(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        observe_rows(tmp_path, [usage_row(0), usage_row(5, **change)])
    assert "usage.csv" in str(caught.value)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    row = usage_row(0)
    del row["node"]
    with pytest.raises(InputError, match=r"field node: is missing"):
        observe_rows(tmp_path, [row])


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([{**NODE_ROW, "valid_to": "2026-09-01T00:00:00Z"}], "field valid_to.*is not after valid_from"),
        ([NODE_ROW, {**NODE_ROW, "valid_from": "2026-10-02T00:00:00Z"}], "row 2.*overlaps row 1"),
        ([{**NODE_ROW, "cpu_allocatable_cores": 3}], "is greater than the capacity"),
        ([{**NODE_ROW, "cpu_capacity_cores": ""}], "row 1, field cpu_capacity_cores: is empty"),
    ],
)
def test_a_bad_node_row_is_refused(tmp_path: Path, nodes: list[dict[str, object]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        observe_rows(tmp_path, full_hour(), nodes)


def test_a_path_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: does not exist"):
        FileSource([tmp_path / "nowhere"])
