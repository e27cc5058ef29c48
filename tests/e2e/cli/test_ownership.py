"""Owners from a CMDB, names under review and unowned spend as a person types it."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from service.cli.app import app

Run = Callable[..., Result]
MONTH = Path(__file__).parents[2] / "golden" / "month"
YAML = """\
kind: csv
path: cmdb.csv
first_valid_from: 2026-01-01
columns: {kind: kind, name: name, team: team, cost_centre: cost_centre, owner_contact: contact}
"""
CMDB = """\
kind,name,team,cost_centre,contact
project,Shopp,green,,
team,green,,cc-300,gwen@example.com
team,bare,,,
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MILLICORE_FIXED_NOW", "2026-03-20T00:00:00Z")

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(app, [*words, "--home", "home"])

    files = [
        word for kind in ("usage", "nodes", "prices") for word in (f"--{kind}", str(MONTH / f"{kind}.csv"))
    ]
    assert invoke("ingest", "files", *files).exit_code in (0, 3)
    assert invoke("allocate").exit_code in (0, 3)
    Path("cmdb.yaml").write_text(YAML)
    Path("cmdb.csv").write_text(CMDB)
    return invoke


def rows(result: Result) -> list[dict[str, object]]:
    assert result.exit_code in (0, 3), result.stderr
    found: list[dict[str, object]] = json.loads(result.stdout)
    return found


def test_a_name_is_proposed_accepted_and_pays_from_its_day(run: Run) -> None:
    synced = run("ownership", "sync", "--source", "cmdb.yaml", "--output", "json")
    assert rows(synced)[0]["added_count"] == 3
    assert "team bare has no owner contact and no cost centre" in synced.stderr
    waiting = rows(run("ownership", "review", "list", "--output", "json"))
    (pair,) = [one for one in waiting if one["name"] == "shop"]
    assert (pair["entity"], pair["state"], pair["principal"]) == ("Shopp", "waiting", None)
    words = ("--reason", "a typing error in the CMDB", "--from", "2026-02-10", "--output", "json")
    (accepted,) = rows(run("ownership", "review", "accept", str(pair["id"]), *words))
    assert (accepted["state"], accepted["effective_from"]) == ("accepted", "2026-02-10T00:00:00Z")
    place = ("ownership", "show", "--cluster", "golden", "--namespace", "shop", "--output", "json")
    assert rows(run(*place, "--at", "2026-02-09T23:59:59Z"))[0]["ownership_source"] == "guessed"
    (owner,) = rows(run(*place, "--at", "2026-02-10T00:00:00Z"))
    assert (owner["team"], owner["cost_centre"], owner["because"]) == (
        "green",
        "cc-300",
        "cmdb rule: cmdb: project Shopp",
    )
    run("allocate")
    lines = rows(run("chargeback", "preview", "--month", "2026-02", "--output", "json"))
    assert {line["cost_centre"] for line in lines if line["team"] == "green"} == {"cc-300"}
    again = run("ownership", "review", "accept", str(pair["id"]), "--reason", "again")
    assert again.exit_code == 1
    assert "accepted already" in again.stderr


def test_unowned_spend_is_a_figure_in_three_formats_and_an_alarm(run: Run) -> None:
    shown = run("ownership", "unowned", "--month", "2026-02", "--output", "json")
    assert shown.exit_code == 3
    stated = re.search(r"of workloads have no known owner \(([\d.]+) %\)", shown.stderr)
    assert stated is not None
    assert "more than 2.0 % of the EUR of 2026-02 has no known owner" in shown.stderr
    found = rows(shown)
    shares = sum(float(str(row["share_ratio"])) for row in found)
    assert shares == pytest.approx(float(stated[1]) / 100, abs=0.0005)
    assert {row["since"] for row in found} <= {f"2026-02-{day:02d}" for day in range(1, 29)}
    table = run("ownership", "unowned", "--month", "2026-02", "--limit", "1")
    assert "may belong to" in table.stdout
    assert "more: --limit" in table.stderr
    listed = run("ownership", "unowned", "--month", "2026-02", "--output", "csv")
    assert len(list(csv.DictReader(io.StringIO(listed.stdout)))) == len(found)


def test_teams_and_their_other_names_are_listed(run: Run) -> None:
    assert run("ownership", "sync", "--source", "cmdb.yaml").exit_code == 0
    lacking = rows(run("ownership", "list", "--missing", "cost-centre", "--output", "json"))
    assert [row["team"] for row in lacking] == ["bare"]
    Path("names.csv").write_text("alias,team,valid_from\ngrün,green,2026-01-01T00:00:00Z\n")
    (name,) = rows(run("ownership", "names", "--file", "names.csv", "--output", "json"))
    assert (name["alias"], name["team"]) == ("grün", "green")
    Path("names.csv").write_text(
        "alias,team,valid_from\na,b,2026-01-01T00:00:00Z\nb,a,2026-01-01T00:00:00Z\n"
    )
    refused = run("ownership", "names", "--file", "names.csv")
    assert refused.exit_code == 1
    assert "names.csv" in refused.stderr
    assert "a -> b -> a" in refused.stderr
    assert len(rows(run("ownership", "names", "--output", "json"))) == 1


def test_contradicting_rules_and_bad_splits_are_refused_with_file_and_rows(run: Run) -> None:
    head = "cluster,namespace,team,share_ratio,valid_from\n"
    start = "2026-01-01T00:00:00Z"
    for text, message in (
        (f"*,pay-*,a,,{start}\n*,*-api,b,,{start}\n", "row 1 (a) and row 2 (b) have the same precedence"),
        (f"*,shop,a,0.5,{start}\n*,shop,b,0.4,{start}\n", "rows 1, 2 divide shop in * and give away 90 %"),
    ):
        Path("own.csv").write_text(head + text)
        refused = run("ingest", "files", "--ownership", "own.csv")
        assert refused.exit_code == 1
        assert message in refused.stderr
        assert "own.csv" in refused.stderr


def test_a_sync_that_empties_the_cmdb_needs_force(run: Run) -> None:
    run("ownership", "sync", "--source", "cmdb.yaml")
    Path("cmdb.csv").write_text(CMDB.splitlines(keepends=True)[0])
    refused = run("ownership", "sync", "--source", "cmdb.yaml")
    assert refused.exit_code == 1
    assert "3 of 3 entities" in refused.stderr
    forced = rows(run("ownership", "sync", "--source", "cmdb.yaml", "--force", "--output", "json"))
    assert forced[0]["removed_count"] == 3
