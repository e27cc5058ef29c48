from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from starlette.applications import Starlette
from support.api import api_of
from support.asgi import ELSEWHERE, call
from support.board_world import FINANCE, LAST_DAY, LEADER, MARKDOWN_LABEL, NOW, World, build_world, total_of

from models.vocabulary.identity import Role
from service.boards.leadership import read_leadership
from service.http.chargeback import MEDIA_TYPES
from service.usecases.chargeback_export import export_chargeback

OPENCOST_FIELDS = {
    *("name", "properties", "window", "start", "end", "minutes"),
    *("cpuCores", "cpuCoreRequestAverage", "cpuCoreUsageAverage", "cpuCoreHours", "cpuCost"),
    *("cpuCostAdjustment", "cpuEfficiency", "gpuCount", "gpuHours", "gpuCost", "gpuCostAdjustment"),
    *("ramBytes", "ramByteRequestAverage", "ramByteUsageAverage", "ramByteHours", "ramCost"),
    *("ramCostAdjustment", "ramEfficiency", "networkCost", "loadBalancerCost", "pvCost"),
    *("sharedCost", "externalCost", "totalCost", "totalEfficiency"),
}
"""Names of OpenCost's ``allocation_json.go`` that its clients (kubectl-cost, Backstage, Grafana) read."""


@pytest.fixture(scope="module")
def own_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Return a company with tokens for some principals."""
    found = build_world(tmp_path_factory.mktemp("api"))
    access = found.runtime.warehouse.access
    access.grant("lea", Role.LEADERSHIP)
    access.grant("pat", Role.PLATFORM)
    access.grant("sam", Role.OWNER, "search")
    yield found
    found.runtime.warehouse.close()


@pytest.fixture(scope="module")
def tokens(own_world: World) -> dict[str, dict[str, str]]:
    """Return headers with a bearer token of each principal."""
    issue = own_world.runtime.warehouse.access.issue_token
    return {
        name: {"Authorization": f"Bearer {issue(name, description='test', at=NOW)}"}
        for name in ("lea", "pat", "sam")
    }


@pytest.fixture(scope="module")
def api(own_world: World, tokens: dict[str, dict[str, str]]) -> Starlette:
    """Return the API; tokens exist, so being local proves nothing."""
    assert tokens
    return api_of(own_world.runtime)


def test_health_and_readiness_answer_anyone(api: Starlette) -> None:
    assert call(api, "/healthz", peer=ELSEWHERE).text == "ok\n"
    assert call(api, "/readyz", peer=ELSEWHERE).text == "ready\n"


def test_a_warehouse_that_cannot_be_read_is_alive_but_not_ready(tmp_path: Path) -> None:
    world = build_world(tmp_path, first=LAST_DAY, last=LAST_DAY, with_suggestions=False)
    api = api_of(world.runtime)
    assert call(api, "/readyz").status == 200
    world.runtime.warehouse.close()
    for file in tmp_path.glob("millicore.db*"):
        file.unlink()
    assert call(api, "/healthz").status == 200
    answer = call(api, "/readyz", peer=ELSEWHERE)
    assert (answer.status, answer.text) == (503, "not ready\n")
    # without the database nobody can be recognised, so nothing is shown: not even an error's detail
    assert call(api, "/v1/leadership").status == 503


def test_every_other_route_refuses_a_stranger(api: Starlette) -> None:
    for path in ("/metrics", "/allocation", "/v1/leadership", "/v1/periods", "/v1/chargeback/2026-10"):
        assert call(api, path).status == 401, path
    assert call(api, "/v1/recommendations/1/decision", method="POST").status == 401


def test_leadership_figures_are_those_of_the_board(
    api: Starlette, own_world: World, tokens: dict[str, dict[str, str]]
) -> None:
    answer = call(api, "/v1/leadership", headers=tokens["lea"]).json()
    board = read_leadership(own_world.runtime, LEADER)
    assert answer["version"] == 1
    assert Decimal(answer["total_cost"]) == board.total
    assert [figure["value"] for figure in answer["figures"]] == [figure.value for figure in board.figures]
    assert sum(Decimal(row["cost"]) for row in answer["teams"] if row["kind"] != "total") == board.total


def test_allocation_has_the_shape_and_the_sum_of_opencost(
    api: Starlette, own_world: World, tokens: dict[str, dict[str, str]]
) -> None:
    path = "/allocation?window=lastmonth&aggregate=namespace&accumulate=true&includeIdle=true"
    answer = call(api, path, headers=tokens["lea"]).json()
    assert answer["code"] == 200
    (found,) = answer["data"]
    october = [day for day in own_world.days if day.month == 10]
    overhead = float(total_of(october)) - sum(row["totalCost"] for row in found.values())
    assert overhead == pytest.approx(2259.35), "what nodes keep for themselves belongs to no group"
    search = found["search"]
    assert search["properties"] == {"namespace": "search"}
    assert search["window"] == {"start": "2026-10-01T00:00:00Z", "end": "2026-11-01T00:00:00Z"}
    assert search["minutes"] == 31 * 1440
    assert search["cpuEfficiency"] == pytest.approx(0.5)
    assert search["pvCost"] is None
    assert found["__idle__"]["totalCost"] == pytest.approx(10213.5)
    assert MARKDOWN_LABEL in found, "a label is data: JSON carries it unchanged"


def test_allocation_by_day_gives_one_set_per_day(api: Starlette, tokens: dict[str, dict[str, str]]) -> None:
    answer = call(api, "/allocation?window=2026-11-01,2026-11-04&aggregate=label:team", headers=tokens["lea"])
    sets = answer.json()["data"]
    assert len(sets) == 3
    assert {"search", "payments", "__unallocated__"} <= set(sets[0])


def test_allocation_of_an_owner_holds_nothing_else(api: Starlette, tokens: dict[str, dict[str, str]]) -> None:
    path = "/allocation?window=month&aggregate=cluster,controller&accumulate=true"
    (found,) = call(api, path, headers=tokens["sam"]).json()["data"]
    assert set(found) == {"shop-eu/search-api", "shop-eu/indexer"}


@pytest.mark.parametrize(
    "query",
    [
        "window=yesterdayish",
        "aggregate=password",
        "aggregate=",
        "accumulate=maybe",
        "window=2020-01-01,2026-11-20",
        "filterNamespaces=search",
        "filter=namespace:search",
        "shareIdle=true",
        "shareNamespaces=kube-system",
        "step=1h",
        "offset=10",
        "format=csv",
    ],
)
def test_a_wrong_allocation_query_is_refused_in_words(
    api: Starlette, tokens: dict[str, dict[str, str]], query: str
) -> None:
    answer = call(api, f"/allocation?{query}", headers=tokens["lea"])
    assert answer.status == 400
    assert answer.json()["code"] == 400
    assert answer.json()["message"]


def test_what_clients_of_opencost_send_by_habit_is_answered(
    api: Starlette, tokens: dict[str, dict[str, str]]
) -> None:
    habit = (
        "window=7d&aggregate=namespace&accumulate=true&includeIdle=true&shareIdle=false&step=1d&resolution=1m"
    )
    plain = call(api, "/allocation?window=7d&accumulate=true", headers=tokens["lea"])
    for path in ("/allocation", "/allocation/compute"):
        assert call(api, f"{path}?{habit}", headers=tokens["lea"]).json() == plain.json()


@pytest.mark.parametrize("groups", ["namespace", "controller", "controllerKind", "cluster", "label:team"])
def test_every_allocation_has_opencosts_fields_and_finite_numbers(
    api: Starlette, tokens: dict[str, dict[str, str]], groups: str
) -> None:
    path = f"/allocation?window=7d&accumulate=true&aggregate={groups}"
    (found,) = call(api, path, headers=tokens["lea"]).json()["data"]
    assert found
    for row in found.values():
        assert set(row) >= OPENCOST_FIELDS
        numbers = [value for value in row.values() if isinstance(value, float)]
        assert all(math.isfinite(value) for value in numbers)


def test_metrics_are_prometheus_text(api: Starlette, tokens: dict[str, dict[str, str]]) -> None:
    answer = call(api, "/metrics", headers=tokens["pat"])
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert 'millicore_window_hours{source="files",cluster="shop-eu",state="complete"} 840' in answer.text
    assert 'millicore_data_freshness_seconds{cluster="shop-eu"} 10800' in answer.text
    assert 'millicore_recommendations{state="proposed"} 4' in answer.text
    for line in answer.text.splitlines():
        assert line.startswith(("# HELP millicore_", "# TYPE millicore_", "millicore_"))


def test_a_downloaded_file_has_the_bytes_of_the_command_line(
    api: Starlette, own_world: World, tokens: dict[str, dict[str, str]], tmp_path: Path
) -> None:
    files = (
        ("summary", "csv"),
        ("detail", "csv"),
        ("focus", "csv"),
        ("focus", "parquet"),
        ("summary", "xlsx"),
    )
    for name, kind in files:
        asked = f"/v1/chargeback/2026-10?format={name}{'' if kind == 'csv' else f'&file_type={kind}'}"
        answer = call(api, asked, headers=tokens["lea"])
        file = tmp_path / f"{name}.{kind}"
        written = export_chargeback(
            own_world.runtime, FINANCE, "2026-10", format=name, file_type=kind, output_file=file
        )
        assert answer.body == written.path.read_bytes()
        assert answer.headers["content-type"] == MEDIA_TYPES[kind]
        assert answer.headers["x-content-sha256"] == written.sha256
        assert answer.headers["content-disposition"].startswith('attachment; filename="chargeback_2026-10')


def test_a_download_is_refused_to_an_owner_and_to_a_wrong_month(
    api: Starlette, tokens: dict[str, dict[str, str]]
) -> None:
    assert call(api, "/v1/chargeback/2026-10", headers=tokens["sam"]).status == 403
    assert call(api, "/v1/chargeback/october", headers=tokens["lea"]).status == 422
    assert call(api, "/v1/chargeback/2020-01", headers=tokens["lea"]).status == 404
    assert call(api, "/v1/chargeback/2026-10?format=pdf", headers=tokens["lea"]).status == 400
    assert call(api, "/v1/chargeback/2026-10?file_type=pdf", headers=tokens["lea"]).status == 400


def test_periods_list_every_month(api: Starlette, tokens: dict[str, dict[str, str]]) -> None:
    answer = call(api, "/v1/periods", headers=tokens["lea"]).json()
    assert [row["period"] for row in answer["periods"]] == ["2026-10", "2026-11"]


def test_a_decision_over_http_is_recorded_once(
    api: Starlette, own_world: World, tokens: dict[str, dict[str, str]]
) -> None:
    listed = call(api, "/v1/recommendations?state=proposed", headers=tokens["sam"]).json()["recommendations"]
    assert [row["team"] for row in listed] == ["search"]
    row = listed[0]
    path = f"/v1/recommendations/{row['id']}/decision"
    json_headers = tokens["sam"] | {"Content-Type": "application/json"}

    def send(**content: object) -> tuple[int, dict[str, object]]:
        body = json.dumps(content).encode()
        answer = call(api, path, method="POST", headers=json_headers, body=body)
        return answer.status, answer.json()

    assert call(api, path, method="POST", headers=tokens["sam"], body=b"{}").status == 415
    assert send(state="accepted")[0] == 422
    assert send(state="superseded", etag=row["etag"])[0] == 422
    assert send(state="rejected", etag=row["etag"])[0] == 422
    assert send(state="accepted", etag="0" * 16)[0] == 409
    status, event = send(state="accepted", etag=row["etag"], note="in the next release")
    assert (status, event["principal"], event["state"]) == (200, "sam", "accepted")
    assert send(state="accepted", etag=row["etag"])[0] == 409
    stored = own_world.runtime.warehouse.recommendations.events(row["id"])
    assert [entry.state for entry in stored] == ["proposed", "accepted"]
    shown = call(api, f"/v1/recommendations/{row['id']}", headers=tokens["sam"]).json()
    assert shown["events"][-1]["note"] == "in the next release"


def test_a_suggestion_of_another_team_is_not_found_over_http(
    api: Starlette, tokens: dict[str, dict[str, str]]
) -> None:
    every = call(api, "/v1/recommendations", headers=tokens["pat"]).json()["recommendations"]
    other = next(row for row in every if row["team"] != "search")
    assert call(api, f"/v1/recommendations/{other['id']}", headers=tokens["sam"]).status == 404


def test_the_world_ends_where_the_tests_say(own_world: World) -> None:
    assert own_world.days[-1] == date(2026, 11, 20)
