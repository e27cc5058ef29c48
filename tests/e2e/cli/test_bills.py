"""Bills at the prompt: import, where lines ended, what does not fit, rules, errors with their remedy."""

from __future__ import annotations

import json
from pathlib import Path

from support.bills import focus_line, node_line, write_bill
from typer.testing import CliRunner, Result

from service.cli.app import app


def run(home: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["bills", *words, "--home", str(home)])


def test_a_bill_from_import_to_rules(tmp_path: Path) -> None:
    home = tmp_path / "home"
    lines = [
        node_line("i-1", 744, "100"),
        focus_line("30", ServiceName="Amazon RDS", Tags='{"team": "shop"}'),
        focus_line("7", ChargeCategory="Tax"),
    ]
    done = run(home, "import", str(write_bill(tmp_path / "bill.csv", lines)))
    assert done.exit_code == 3, done.output
    assert "2 bill lines over 130.00 USD belong to no cluster and no rule" in done.stderr
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules:\n  - {bucket: out_of_cluster, service: '*RDS', team_tag: team}\n")
    assert "out_of_cluster" in run(home, "rules", "--import", str(rules)).stdout
    totals = json.loads(run(home, "lines", "--month", "2026-10", "--output", "json").stdout)
    assert {row["bucket"]: row["billed_cost"].rstrip("0").rstrip(".") for row in totals} == {
        "out_of_cluster": "30",
        "tax": "7",
        "out_of_scope": "100",
        "total": "137",
    }
    shown = run(home, "lines", "--month", "2026-10", "--bucket", "out_of_scope", "--output", "csv").stdout
    assert "i-1" in shown
    (bill,) = json.loads(run(home, "list", "--output", "json").stdout)
    assert (bill["provider"], bill["line_count"]) == ("AWS", 3)
    again = run(home, "import", str(tmp_path / "bill.csv"))
    assert "imported before: nothing changed" in again.stderr
    assert run(home, "reconcile", "--month", "2026-10").exit_code == 0
    assert run(home, "commitments", "--month", "2026-10").exit_code == 0
    assert run(home, "drop", bill["bill_key"]).exit_code == 0
    assert "No bill yet" in run(home, "list").stdout + run(home, "list").stderr


def test_a_file_that_is_no_such_bill_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "bill.csv"
    path.write_text("what,ever\n1,2\n")
    wrong = run(tmp_path / "home", "import", str(path))
    assert wrong.exit_code == 1
    assert "choose another map with --map" in wrong.stderr
    unknown = run(tmp_path / "home", "import", str(path), "--map", "oracle")
    assert "name one of alibaba, aws-cur2, azure, focus, google" in unknown.stderr
