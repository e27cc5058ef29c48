"""The list of suggestions as a person asks for it: now, on a past day, by group, and one explained."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.container_usage import MIB, Container, constant, observed
from typer.testing import CliRunner, Result

from models.vocabulary.windows import HOUR
from recommender.explanation import BANKABLE_UNKNOWN
from service.cli.app import app
from service.leasing import holding
from service.runtime import Runtime

Run = Callable[..., Result]
START = datetime(2026, 9, 7, tzinfo=UTC)
HOURS = 12 * 24


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two clusters that run the same Deployment, judged at their end."""
    folder: Path = tmp_path_factory.mktemp("list")
    end = START + HOURS * HOUR
    runtime = Runtime.for_test(folder, now=end)
    for cluster, cpu in (("alpha", 0.2), ("beta", 0.4)):
        web = Container(cpu=constant(cpu), memory=constant(200 * MIB), cpu_request=2.0)
        young = Container(workload="young", first_hour=HOURS - 8)
        runtime.warehouse.clusters.register(cluster)
        with holding(runtime, cluster) as held:
            window = observed((web, young), ["node-1"], START, HOURS, cluster)
            runtime.warehouse.record(window, held.lease)
    runtime.warehouse.close()
    (folder / "millicore.yaml").write_text(f"fixed_now: {end:%Y-%m-%dT%H:%M:%SZ}\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["recommend", "run", "--home", str(folder)])
    assert result.exit_code in (0, 3), result.stderr
    return folder


@pytest.fixture
def run(home: Path) -> Run:
    return lambda *words: CliRunner().invoke(app, [*words, "--home", str(home)])


def rows(result: Result) -> list[dict[str, object]]:
    assert result.exit_code == 0, result.stderr
    found: list[dict[str, object]] = json.loads(result.stdout)
    return found


def test_the_past_is_judged_anew_and_nothing_is_stored(run: Run) -> None:
    before = run("recommend", "list", "--output", "json").stdout
    past = rows(run("recommend", "list", "--as-of", "2026-09-16", "--output", "json"))
    assert {row["state"] for row in past} == {"not stored"}
    assert {row["cluster"] for row in past} == {"alpha", "beta"}
    assert all(row["explanation"] for row in past)
    assert run("recommend", "list", "--output", "json").stdout == before


def test_too_early_a_day_gives_the_reason_for_silence(run: Run) -> None:
    silent = rows(run("recommend", "list", "--as-of", "2026-09-10", "--silent", "--output", "json"))
    assert {row["reason"] for row in silent} == {"too_little_history"}
    assert rows(run("recommend", "list", "--as-of", "2026-09-10", "--output", "json")) == []


@pytest.mark.parametrize("words", [("list", "--output", "json"), ("run",)])
def test_before_the_first_stored_hour_nothing_is_judged_and_it_is_said(
    run: Run, words: tuple[str, ...]
) -> None:
    before = run("recommend", "list", "--silent", "--output", "json").stdout
    result = run("recommend", *words, "--as-of", "2020-01-01")
    assert result.exit_code == 3
    assert "alpha is not judged: nothing is stored of it before 2026-09-07 00:00Z" in result.stderr
    assert run("recommend", "list", "--silent", "--output", "json").stdout == before


def test_a_list_beyond_the_newest_hour_says_as_of_when_it_is_judged(run: Run) -> None:
    result = run("recommend", "list", "--as-of", "2026-09-19T05:00:00Z", "--output", "json")
    assert result.exit_code == 3
    assert "beta is judged as of 2026-09-19 00:00Z: nothing newer is stored" in result.stderr
    assert json.loads(result.stdout)


def test_the_same_container_in_two_clusters_is_one_line_with_the_larger_value(run: Run) -> None:
    single = rows(run("recommend", "list", "--output", "json"))
    (group,) = rows(run("recommend", "list", "--grouped", "--output", "json"))
    assert group["place_count"] == 2
    assert group["clusters"] == ["alpha", "beta"]
    assert group["advised_cpu_request_cores"] == max(row["advised_cpu_request_cores"] for row in single)
    assert set(group["ids"]) == {row["id"] for row in single}


def test_one_suggestion_is_explained_from_statistic_to_the_way_back(run: Run) -> None:
    (first, *_) = rows(run("recommend", "list", "--output", "json"))
    text = run("recommend", "explain", str(first["id"])).stdout
    for part in (
        "cpu: expected peak",
        "rule largest_cut",
        "back-tested on its own past",
        "vpa style would say",
        "krr style would say",
        "bankable saving",
        "realised saving: not measured yet",
        "  CPU request: 2 -> ",
        "to take it back: CPU request 2",
    ):
        assert part in text, part
    document = json.loads(run("recommend", "explain", str(first["id"]), "--output", "json").stdout)
    record = document["evidence"]["record"]
    assert record["rollback"]["values"]["cpu_request_cores"] == 2.0
    assert record["savings"]["unpriced_because"]


def test_the_command_that_knows_the_bankable_saving_exists() -> None:
    named = BANKABLE_UNKNOWN.partition(": millicore ")[2].split()
    assert named
    assert CliRunner().invoke(app, [*named, "--help"]).exit_code == 0


def test_a_day_that_is_no_day_is_refused(run: Run) -> None:
    assert run("recommend", "list", "--as-of", "yesterday").exit_code == 2
