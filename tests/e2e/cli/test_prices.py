"""Price lists as a person types them."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from support.published_prices import AWS_PRODUCT, write_aws_csv
from support.small_files import write_small_files
from typer.testing import CliRunner, Result

from service.cli.app import app

Run = Callable[..., Result]
HEAD = "instance_type,region,purchase_option,currency,hourly_list_price,valid_from"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MILLICORE_FIXED_NOW", "2026-11-20T00:00:00Z")

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(app, [*words, "--home", "home"])

    files = write_small_files(tmp_path, with_unknown_type=True)
    assert invoke("ingest", "files", *files.arguments()).exit_code in (0, 3)
    return invoke


def rows(result: Result) -> list[dict[str, object]]:
    assert result.exit_code in (0, 3), result.stderr
    found: list[dict[str, object]] = json.loads(result.stdout)
    return found


def test_a_hole_is_named_filled_and_gone(run: Run, tmp_path: Path) -> None:
    found = run("prices", "check", "--month", "2026-10", "--output", "json")
    (hole,) = rows(found)
    assert found.exit_code == 3
    assert (hole["kind"], hole["type_name"], hole["node_hours"]) == ("hole", "x9.mystery", 24)
    assert run("allocate").exit_code == 3
    (unpriced,) = rows(run("prices", "unpriced", "--month", "2026-10", "--output", "json"))
    assert (unpriced["type_name"], unpriced["provenance"]) == ("x9.mystery", "assumed")
    (tmp_path / "more.csv").write_text(f"{HEAD}\nx9.mystery,eu-1,On-Demand,USD,0.4,2026-10-01T00:00:00Z\n")
    (report,) = rows(run("prices", "import", "more.csv", "--output", "json"))
    assert (report["added_count"], report["changes_from"]) == (1, "2026-10-01T00:00:00Z")
    assert rows(run("prices", "check", "--month", "2026-10", "--output", "json")) == []
    assert run("allocate").exit_code == 0
    assert "has a price of its own" in run("prices", "unpriced", "--month", "2026-10").stdout


def test_a_new_version_keeps_the_old_one_in_the_list_of_its_time(run: Run, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text(f"{HEAD}\nm6i.large,eu-1,on_demand,USD,0.12,2026-10-15T00:00:00Z\n")
    assert "prices changed from 2026-10-15" in run("prices", "import", "new.csv").stderr
    assert "nothing changed" in run("prices", "import", "new.csv").stderr
    before, after = (
        rows(run("prices", "list", "--at", at, "--output", "json"))[0] for at in ("2026-10-01", "2026-10-20")
    )
    assert (Decimal(str(before["hourly_list_price"])), before["valid_to"]) == (
        Decimal("0.10"),
        "2026-10-15T00:00:00Z",
    )
    assert Decimal(str(after["hourly_list_price"])) == Decimal("0.12")
    assert (after["source_row"], after["provenance"]) == (1, "list")


def test_a_back_dated_price_is_refused_until_it_is_meant(run: Run, tmp_path: Path) -> None:
    (tmp_path / "back.csv").write_text(f"{HEAD}\nm6i.large,eu-1,on_demand,USD,0.12,2026-01-01T00:00:00Z\n")
    refused = run("prices", "import", "back.csv")
    assert refused.exit_code == 1
    assert "back.csv, row 1, field valid_from" in refused.stderr
    assert "--replace-from" in refused.stderr
    meant = run("prices", "import", "back.csv", "--replace-from", "2026-10-01", "--output", "json")
    (report,) = rows(meant)
    assert (report["ended_count"], report["changes_from"]) == (1, "2026-10-01T00:00:00Z")


def test_an_offer_file_of_aws_is_cut_to_a_region(run: Run, tmp_path: Path) -> None:
    products = [
        {"Region Code": "eu-1", "Instance Type": "x9.mystery"},
        {"SKU": "B", "Region Code": "us-1"},
        {"SKU": "C", "Region Code": "eu-1", "Operating System": "Windows"},
    ]
    write_aws_csv(tmp_path / "ec2.csv", products)
    words = ("--format", "aws", "--region", "eu-1", "--valid-from", "2026-09-01", "--asset-kind", "node")
    done = run("prices", "import", "ec2.csv", *words, "--output", "json")
    (report,) = rows(done)
    assert (report["read_count"], report["changes_from"]) == (1, "2026-09-01T00:00:00Z")
    assert "2 rows were passed over" in done.stderr
    refused = run("prices", "import", "ec2.csv", "--format", "aws", "--asset-kind", "disk")
    assert (refused.exit_code, "'disk' is no kind of asset" in refused.stderr) == (2, True)
    assert AWS_PRODUCT["Operating System"] == "Linux"


def test_a_malformed_price_names_its_place_and_stores_nothing(run: Run, tmp_path: Path) -> None:
    write_aws_csv(tmp_path / "ec2.csv", [{}, {"SKU": "B", "Instance Type": "x", "PricePerUnit": "?"}])
    before = rows(run("prices", "list", "--output", "json"))
    refused = run("prices", "import", "ec2.csv", "--format", "aws")
    assert refused.exit_code == 1
    assert "ec2.csv, row 2, field PricePerUnit: value '?' is not a number" in refused.stderr
    assert rows(run("prices", "list", "--output", "json")) == before


def test_weights_are_shown_and_replaced(run: Run, tmp_path: Path) -> None:
    assert "9 per core and 1 per GiB everywhere" in run("prices", "weights").stdout
    (tmp_path / "weights.csv").write_text(
        "family,cpu_weight,memory_weight,valid_from\nm6i,7,1,2026-10-01T00:00:00Z\n"
    )
    (weight,) = rows(run("prices", "weights", "weights.csv", "--output", "json"))
    assert (weight["family"], weight["cpu_weight"]) == ("m6i", "7")
