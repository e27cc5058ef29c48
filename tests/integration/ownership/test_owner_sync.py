"""A CMDB synchronised, its history kept, and the money of a month following it to the second."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from models.ownership.name_matches import MatchDecision
from models.ownership.names import NameAlias
from models.ownership.rules import OwnershipRow
from models.vocabulary.errors import Conflict, Forbidden, InputError, NotFound, SourceError
from models.vocabulary.identity import Principal, Role
from service.access import local_principal
from service.runtime import Runtime
from service.scheduler.jobs import scheduled_jobs
from service.usecases.allocation import allocate
from service.usecases.name_review import Verdict, decide_review, list_reviews, state_of
from service.usecases.ownership import Place, annotation_doubts, explain_owner, list_teams
from service.usecases.ownership_sync import owner_defects, sync_all, sync_owners

ADMIN = local_principal()
ANN = Principal("ann", frozenset({Role.OWNER}), frozenset({"red"}))
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
CHANGE = datetime(2026, 10, 3, 12, 20, tzinfo=UTC)
HEADER = "kind,name,team,cost_centre,owner_contact,parent,namespace,valid_from,valid_to\n"
YAML = """\
kind: csv
path: cmdb.csv
first_valid_from: 2026-01-01
columns: {kind: kind, name: name, team: team, cost_centre: cost_centre, owner_contact: owner_contact,
          parent: parent, namespace: namespace, valid_from: valid_from, valid_to: valid_to}
"""
SHOP = "project,Shop,red,,,,shop,,\n"
TEAMS = "team,red,,4711,ann@example.com,,,,\nteam,Team-Pay,,4712,bob@example.com,,,,\n"


@pytest.fixture
def cmdb(tmp_path: Path) -> Path:
    (tmp_path / "cmdb.yaml").write_text(YAML)
    return tmp_path / "cmdb.yaml"


def state(cmdb: Path, *rows: str) -> Path:
    (cmdb.parent / "cmdb.csv").write_text(HEADER + "".join(rows))
    return cmdb


def costs(runtime: Runtime, namespace: str, day: date | None = None) -> dict[tuple, Decimal]:
    found: dict[tuple, Decimal] = {}
    for row in runtime.warehouse.lake.scan("cost_day").to_pylist():
        if row["namespace"] == namespace and day in (None, row["billing_date"]):
            key = (row["team"], row["cost_centre"], row["ownership_source"])
            found[key] = found.get(key, Decimal(0)) + row["total_cost"]
    return found


def test_a_change_of_owner_in_the_cmdb_splits_cost_at_its_instant_exactly(runtime, cmdb) -> None:
    sync_owners(runtime, ADMIN, state(cmdb, SHOP, TEAMS))
    allocate(runtime)
    assert set(costs(runtime, "shop")) == {("red", "4711", "rule")}
    whole = sum(costs(runtime, "shop", date(2026, 10, 3)).values())
    blue = f"project,Shop,blue,77,,,shop,{CHANGE.isoformat()},\n"
    report = sync_owners(runtime, ADMIN, state(cmdb, blue, TEAMS))
    assert (report.added_count, report.changed_count, report.removed_count) == (0, 1, 0)
    rebuilt = allocate(runtime).cost_dates["c1"]
    assert rebuilt == (date(2026, 10, 3), date(2026, 10, 4))
    split = costs(runtime, "shop", date(2026, 10, 3))
    seconds = Decimal(12 * 3600 + 20 * 60) / 86400
    assert split[("red", "4711", "rule")] + split[("blue", "77", "rule")] == whole
    assert abs(split[("red", "4711", "rule")] - whole * seconds) < Decimal("1e-6")


def test_a_sync_twice_changes_nothing(runtime, cmdb) -> None:
    sync_owners(runtime, ADMIN, state(cmdb, SHOP, TEAMS))
    allocate(runtime)
    before = runtime.warehouse.ownership.cmdb.versions(), runtime.warehouse.lake.versions()
    report = sync_owners(runtime, ADMIN, cmdb)
    assert (report.added_count, report.changed_count, report.removed_count) == (0, 0, 0)
    assert allocate(runtime).cost_dates["c1"] == ()
    assert (runtime.warehouse.ownership.cmdb.versions(), runtime.warehouse.lake.versions()) == before
    assert len(runtime.warehouse.ownership.cmdb.syncs()) == 1


def test_what_vanishes_from_the_cmdb_keeps_its_history(runtime, cmdb) -> None:
    sync_owners(runtime, ADMIN, state(cmdb, SHOP, TEAMS))
    allocate(runtime)
    before = costs(runtime, "shop")
    sync_owners(runtime, ADMIN, state(cmdb, TEAMS), force=True)
    allocate(runtime)
    assert costs(runtime, "shop") == before
    (shop,) = [one for one in runtime.warehouse.ownership.cmdb.versions() if one.name == "Shop"]
    assert (shop.valid_from, shop.valid_to) == (LONG_AGO, runtime.now())


def test_a_sync_that_drops_too_much_is_refused_with_counts_unless_forced(runtime, cmdb) -> None:
    sync_owners(runtime, ADMIN, state(cmdb, SHOP, TEAMS))
    before = runtime.warehouse.ownership.cmdb.versions()
    with pytest.raises(
        Conflict, match=r"no longer states 1 of 3 entities \(33%\), and at most 20% .*--force"
    ):
        sync_owners(runtime, ADMIN, state(cmdb, TEAMS))
    assert runtime.warehouse.ownership.cmdb.versions() == before
    assert sync_owners(runtime, ADMIN, cmdb, force=True).removed_count == 1
    assert runtime.warehouse.ownership.cmdb.syncs()[0].is_forced


def test_a_source_that_fails_changes_nothing(runtime, cmdb) -> None:
    sync_owners(runtime, ADMIN, state(cmdb, SHOP, TEAMS))
    before = runtime.warehouse.ownership.cmdb.versions()
    state(cmdb, SHOP, "planet,Mars,,,,,,,\n")
    with pytest.raises(InputError, match="row 2, field kind"):
        sync_owners(runtime, ADMIN, cmdb)
    assert runtime.warehouse.ownership.cmdb.versions() == before


def test_two_projects_that_claim_one_namespace_are_refused_by_name(runtime, cmdb) -> None:
    with pytest.raises(
        InputError, match=r"cmdb: project Shop \(red\) and cmdb: project Other \(x\) own shop"
    ):
        sync_owners(runtime, ADMIN, state(cmdb, SHOP, "project,Other,x,,,,shop,,\n"))
    assert runtime.warehouse.ownership.cmdb.versions() == []


def test_rules_of_a_file_come_before_the_cmdb_and_their_cost_centre_is_filled_in(runtime, cmdb) -> None:
    runtime.warehouse.ownership.replace([OwnershipRow("*", "sh*", "team.pay", LONG_AGO)])
    sync_owners(runtime, ADMIN, state(cmdb, SHOP, TEAMS))
    allocate(runtime)
    assert set(costs(runtime, "shop")) == {("Team-Pay", "4712", "rule")}


def test_a_label_in_another_spelling_is_the_team_of_the_cmdb(runtime, cmdb) -> None:
    sync_owners(runtime, ADMIN, state(cmdb, TEAMS))
    allocate(runtime)
    assert set(costs(runtime, "pay")) == {("Team-Pay", "4712", "label")}


def test_a_namespace_that_bears_the_name_of_a_project_is_found_by_rule(runtime, cmdb) -> None:
    allocate(runtime)
    report = sync_owners(runtime, ADMIN, state(cmdb, "project,TOOLS,red,,,,,,\n", TEAMS))
    assert report.merged_name_count == 2  # the namespace, and the label team_pay
    allocate(runtime)
    assert set(costs(runtime, "tools")) == {("red", "4711", "rule")}


def test_a_near_name_counts_only_once_a_person_accepted_it_and_from_its_day(runtime, cmdb) -> None:
    allocate(runtime)
    sync_owners(runtime, ADMIN, state(cmdb, "project,Toolz,red,,,,,,\n", TEAMS))
    allocate(runtime)
    assert set(costs(runtime, "tools")) == {("tools", None, "guessed")}
    (pair,) = [one for one in list_reviews(runtime, ADMIN) if one.pair.name == "tools"]
    first = datetime(2026, 10, 3, tzinfo=UTC)
    verdict = Verdict(MatchDecision.ACCEPTED, "the same product", first)
    with pytest.raises(Forbidden):
        decide_review(runtime, ANN, pair.pair.id, verdict)
    decide_review(runtime, ADMIN, pair.pair.id, verdict)
    assert allocate(runtime).cost_dates["c1"] == (date(2026, 10, 3), date(2026, 10, 4))
    assert set(costs(runtime, "tools", date(2026, 10, 2))) == {("tools", None, "guessed")}
    assert set(costs(runtime, "tools", date(2026, 10, 3))) == {("red", "4711", "rule")}
    with pytest.raises(Conflict, match="accepted already"):
        decide_review(runtime, ADMIN, pair.pair.id, verdict)
    decide_review(runtime, ADMIN, pair.pair.id, Verdict(MatchDecision.REJECTED, "wrong", first))
    allocate(runtime)
    assert set(costs(runtime, "tools")) == {("tools", None, "guessed")}
    assert [state_of(one) for one in list_reviews(runtime, ADMIN, None) if one.pair == pair.pair] == [
        "rejected"
    ]
    actions = [entry.action for entry in runtime.warehouse.audit.list(ADMIN)]
    assert actions[:3] == ["rejected name", "accepted name", "sync owners"]


def test_a_rejected_name_is_not_proposed_again_by_the_next_sync(runtime, cmdb) -> None:
    allocate(runtime)
    sync_owners(runtime, ADMIN, state(cmdb, "project,Toolz,red,,,,,,\n", TEAMS))
    (pair,) = [one for one in list_reviews(runtime, ADMIN) if one.pair.name == "tools"]
    decide_review(runtime, ADMIN, pair.pair.id, Verdict(MatchDecision.REJECTED, "no"))
    sync_owners(runtime, ADMIN, cmdb)
    assert [one for one in list_reviews(runtime, ADMIN) if one.pair.name == "tools"] == []


def test_an_unknown_pair_and_a_missing_reason_are_refused(runtime, cmdb) -> None:
    with pytest.raises(NotFound, match="review list"):
        decide_review(runtime, ADMIN, "0000000000", Verdict(MatchDecision.ACCEPTED, "x"))
    allocate(runtime)
    sync_owners(runtime, ADMIN, state(cmdb, "project,Toolz,red,,,,,,\n"))
    (pair,) = list_reviews(runtime, ADMIN)
    with pytest.raises(InputError, match=r"field reason: .*say why"):
        decide_review(runtime, ADMIN, pair.pair.id, Verdict(MatchDecision.ACCEPTED, " "))


def test_other_names_of_teams_hold_from_their_day(runtime) -> None:
    first = datetime(2026, 10, 3, tzinfo=UTC)
    runtime.warehouse.ownership.replace_aliases([NameAlias("team pay", "Payments", first)])
    allocate(runtime)
    assert set(costs(runtime, "pay", date(2026, 10, 2))) == {("team_pay", None, "label")}
    assert set(costs(runtime, "pay", date(2026, 10, 3))) == {("Payments", None, "label")}


def test_teams_are_listed_with_what_they_lack(runtime, cmdb) -> None:
    runtime = runtime.at(datetime(2026, 10, 20, tzinfo=UTC))
    runtime.warehouse.ownership.replace([OwnershipRow("*", "shop", "green", LONG_AGO)])
    sync_owners(runtime, ADMIN, state(cmdb, TEAMS, "team,gold,,,,red,,,\nteam,bare,,,,,,,\n"))
    allocate(runtime)
    teams = {
        one.team: (one.cost_centre, one.owner_contact, one.sources) for one in list_teams(runtime, ADMIN)
    }
    assert teams == {
        "red": ("4711", "ann@example.com", ("cmdb",)),
        "Team-Pay": ("4712", "bob@example.com", ("cmdb", "cost")),
        "gold": ("4711", None, ("cmdb",)),
        "bare": (None, None, ("cmdb",)),
        "green": (None, None, ("cost", "rule")),
    }
    assert [one.team for one in list_teams(runtime, ADMIN, "cost-centre")] == ["bare", "green"]
    assert [one.team for one in list_teams(runtime, ANN)] == ["red"]
    assert owner_defects(runtime) == [
        "team bare has no owner contact and no cost centre",
        "team gold has no owner contact and no cost centre",
    ]


def test_it_is_shown_which_rule_decides(runtime, cmdb) -> None:
    sync_owners(runtime, ADMIN, state(cmdb, SHOP, TEAMS))
    (answer,) = explain_owner(runtime, ADMIN, Place("c1", "shop"), LONG_AGO)
    assert (answer.team, answer.cost_centre, answer.because) == (
        "red",
        "4711",
        "cmdb rule: cmdb: project Shop",
    )
    (label,) = explain_owner(runtime, ADMIN, Place("c1", "x", labels={"example.com/team": "t"}), LONG_AGO)
    assert (label.team, label.because) == ("t", "label of the pod")
    (guess,) = explain_owner(runtime, ADMIN, Place("c1", "x"), LONG_AGO)
    assert (guess.team, guess.ownership_source) == ("x", "guessed")
    with pytest.raises(Forbidden):
        explain_owner(runtime, ANN, Place("c1", "x"), LONG_AGO)


def test_rules_about_annotations_say_when_no_source_shows_any(runtime) -> None:
    assert annotation_doubts(runtime) == []
    runtime.warehouse.ownership.replace(
        [OwnershipRow("*", "shop", "red", LONG_AGO, annotation_selector="owner=x")]
    )
    (doubt,) = annotation_doubts(runtime)
    assert "annotation owner" in doubt
    assert "Kubernetes API only" in doubt


def test_scheduled_sources_are_read_each_for_itself(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(YAML)
    (tmp_path / "cmdb.csv").write_text(HEADER + SHOP)
    sources = (tmp_path / "missing.yaml", tmp_path / "good.yaml")
    runtime = Runtime.for_test(tmp_path / "home", ownership_sources=sources)
    with pytest.raises(SourceError, match=r"missing.yaml: .*cannot be read"):
        sync_all(runtime)
    assert [one.name for one in runtime.warehouse.ownership.cmdb.versions()] == ["Shop"]


def test_secrets_come_from_files_and_variables_and_are_never_shown(runtime, tmp_path, monkeypatch) -> None:
    from service.usecases.ownership_sources import load_source

    (tmp_path / "token").write_text("from-a-file\n")
    (tmp_path / "web.yaml").write_text(
        "kind: http\nurl: https://cmdb.example.com/x\ntoken_file: token\n"
        "headers: {X-Tenant: a, X-Key_env: CMDB_KEY}\ncolumns: {name: n}\nvalues: {kind: team}\n"
    )
    with pytest.raises(InputError, match="names the variable CMDB_KEY, which is not set"):
        load_source(runtime, tmp_path / "web.yaml", {})
    source = load_source(runtime, tmp_path / "web.yaml", {"CMDB_KEY": "from-a-variable"})
    assert (source.token, source.headers) == ("from-a-file", {"X-Tenant": "a", "X-Key": "from-a-variable"})
    assert "from-a" not in repr(source)


def test_only_finance_platform_and_admin_synchronise(runtime, cmdb) -> None:
    with pytest.raises(Forbidden):
        sync_owners(runtime, ANN, state(cmdb, SHOP))


def test_a_namespace_label_counts_in_its_time(runtime) -> None:
    from support.ownership import store_namespace_versions

    store_namespace_versions(
        runtime, "c1", "tools", [(LONG_AGO, {"team": "old"}, {}), (CHANGE, {"team": "new"}, {"owner": "x"})]
    )
    allocate(runtime)
    assert set(costs(runtime, "tools", date(2026, 10, 2))) == {("old", None, "label")}
    assert set(costs(runtime, "tools", date(2026, 10, 3))) == {("old", None, "label"), ("new", None, "label")}
    assert set(costs(runtime, "tools", date(2026, 10, 4))) == {("new", None, "label")}
    runtime.warehouse.ownership.replace(
        [OwnershipRow("*", "tools", "by", LONG_AGO, annotation_selector="owner=x")]
    )
    allocate(runtime)
    assert set(costs(runtime, "tools", date(2026, 10, 2))) == {("old", None, "label")}
    assert set(costs(runtime, "tools", date(2026, 10, 4))) == {("by", None, "rule")}
    assert annotation_doubts(runtime) == []


def test_the_scheduler_wakes_the_sync_only_where_sources_are_set(tmp_path: Path) -> None:
    for sources, expected in (((), []), ((tmp_path / "cmdb.yaml",), ["ownership"])):
        runtime = Runtime.for_test(tmp_path / f"home{len(sources)}", ownership_sources=sources)
        jobs = scheduled_jobs(runtime, lambda: False)
        assert [job.name for job in jobs if job.name == "ownership"] == expected


def test_a_rule_about_a_workload_takes_its_cost_and_no_other(runtime) -> None:
    runtime.warehouse.ownership.replace(
        [
            OwnershipRow("*", "shop", "web", LONG_AGO, workload="Deployment/web"),
            OwnershipRow("*", "*", "rest", LONG_AGO),
        ]
    )
    allocate(runtime)
    assert set(costs(runtime, "shop")) == {("web", None, "rule")}
    assert set(costs(runtime, "tools")) == {("rest", None, "rule")}


def test_a_workload_that_bears_the_name_of_a_service_is_found_by_rule(runtime, cmdb) -> None:
    allocate(runtime)
    sync_owners(runtime, ADMIN, state(cmdb, "service,Web,red,,,,,,\n", TEAMS))
    allocate(runtime)
    assert set(costs(runtime, "shop")) == {("red", "4711", "rule")}
