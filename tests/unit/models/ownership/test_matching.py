from datetime import UTC, datetime, timedelta
from decimal import Decimal

from models.ownership.entities import EntityFacts, EntityKind, EntityVersion
from models.ownership.matching import OwnershipBook, OwnershipFacts, OwnershipSource
from models.ownership.names import KnownTeam, NameAlias, TeamNames
from models.ownership.places import PlaceHistory, PlaceVersion
from models.ownership.rules import OwnershipRow, RuleOrigin
from models.ownership.teams import TeamDirectory

START, MIDDLE, NOW = (datetime(2026, month, 1, tzinfo=UTC) for month in (1, 6, 7))


def rule(namespace, team, **fields):
    return OwnershipRow(
        fields.pop("cluster", "*"), namespace, team, fields.pop("valid_from", START), **fields
    )


def teams(rows, namespace="shop", labels=None, namespace_labels=None, moment=NOW, cluster="c1"):
    owners = OwnershipBook(rows).owners(cluster, namespace, labels or {}, namespace_labels or {}, moment)
    return [(owner.team, owner.source and owner.source.value, owner.share_ratio) for owner in owners]


def test_a_rule_comes_before_labels_and_labels_before_the_guess():
    labels = {"team": "from-pod"}
    assert teams([rule("shop", "a")], labels=labels) == [("a", "rule", 1)]
    assert teams([], labels=labels) == [("from-pod", "label", 1)]
    assert teams([], namespace_labels={"owner": "from-namespace"}) == [("from-namespace", "label", 1)]
    assert teams([]) == [("shop", "guessed", 1)]


def test_label_names_have_an_order_and_the_pod_comes_first():
    assert teams([], labels={"owner": "o", "squad": "s"})[0][0] == "s"
    assert teams([], labels={"owner": "o"}, namespace_labels={"team": "t"})[0][0] == "o"


def test_higher_priority_wins_then_the_more_specific_rule():
    wide = rule("*", "wide", priority=5)
    assert teams([rule("shop", "exact"), wide])[0][0] == "wide"
    assert teams([rule("shop", "exact"), rule("sh*", "glob")])[0][0] == "exact"
    assert teams([rule("sho*", "longer"), rule("*", "any")])[0][0] == "longer"
    assert (
        teams([rule("shop", "all"), rule("shop", "some", label_selector="app=web")], labels={"app": "web"})[
            0
        ][0]
        == "some"
    )
    assert teams([rule("shop", "any"), rule("shop", "here", cluster="c1")])[0][0] == "here"


def test_rules_hold_for_their_cluster_and_time_only():
    rows = [rule("shop", "old", valid_to=MIDDLE), rule("shop", "new", valid_from=MIDDLE)]
    assert teams(rows, moment=START)[0][0] == "old"
    assert teams(rows, moment=MIDDLE)[0][0] == "new"
    assert teams([rule("shop", "a", cluster="c2")])[0][1] == "guessed"


def test_what_shares_leave_is_unowned():
    rows = [rule("shop", "a", share_ratio=Decimal("0.6")), rule("shop", "b", share_ratio=Decimal("0.3"))]
    assert sorted(teams(rows), key=str) == [
        ("a", "rule", Decimal("0.6")),
        ("b", "rule", Decimal("0.3")),
        (None, None, Decimal("0.1")),
    ]


def test_changes_are_the_edges_of_rules_of_the_cluster():
    book = OwnershipBook([rule("x", "a", valid_to=MIDDLE), rule("x", "b", cluster="c2", valid_from=NOW)])
    assert book.changes("c1", START, datetime(2026, 12, 1, tzinfo=UTC)) == [MIDDLE]
    assert book.hash_between("c1", NOW, datetime(2026, 8, 1, tzinfo=UTC)) == OwnershipBook().hash_between(
        "c1", START, NOW
    )


def test_sources_are_named_as_in_the_lake():
    assert [source.value for source in OwnershipSource] == ["rule", "label", "guessed"]


def book(rows=(), places=(), versions=(), aliases=(), known=()):
    facts = OwnershipFacts(TeamNames(aliases, known), TeamDirectory(versions), PlaceHistory(places))
    return OwnershipBook(rows, facts)


def first(found, namespace="shop", labels=None, moment=NOW, workload=None):
    return found.owners("c1", namespace, labels or {}, {}, moment, workload)[0]


def team_version(name, **facts):
    return EntityVersion("cmdb", EntityKind.TEAM, name, EntityFacts(**facts), START)


def test_rules_of_the_cmdb_stand_beneath_those_that_people_wrote_and_above_labels() -> None:
    cmdb = rule("shop", "from-cmdb", priority=9, origin=RuleOrigin.CMDB)
    assert first(book([cmdb]), labels={"team": "x"}).team == "from-cmdb"
    assert first(book([cmdb, rule("*", "written")])).team == "written"


def test_a_rule_about_a_workload_needs_to_know_it() -> None:
    found = book([rule("shop", "web", workload="Deployment/we*"), rule("shop", "rest")])
    assert found.needs_workload
    assert first(found, workload=("Deployment", "web")).team == "web"
    assert first(found, workload=("Job", "web")).team == "rest"
    assert first(found).team == "rest"
    assert not book([rule("shop", "rest")]).needs_workload


def test_annotations_of_the_workload_come_before_those_of_the_namespace() -> None:
    places = [
        PlaceVersion("shop", None, START, annotations={"owner": "ann@pay"}),
        PlaceVersion("shop", ("Deployment", "web"), START, annotations={"owner": "bob@web"}),
    ]
    rows = [
        rule("shop", "pay", annotation_selector="owner=*@pay"),
        rule("shop", "web", annotation_selector="owner=*@web", priority=1),
    ]
    found = book(rows, places)
    assert first(found).team == "pay"
    assert first(found, workload=("Deployment", "web")).team == "web"
    assert first(found, workload=("Deployment", "other")).team == "pay"
    assert first(found, namespace="bank").source is OwnershipSource.GUESSED


def test_labels_of_a_namespace_count_in_their_time_not_only_the_newest() -> None:
    places = [
        PlaceVersion("shop", None, START, labels={"team": "red"}),
        PlaceVersion("shop", None, MIDDLE, labels={"team": "blue"}),
    ]
    found = book(places=places)
    assert first(found, moment=MIDDLE - timedelta(seconds=1)).team == "red"
    assert first(found, moment=MIDDLE).team == "blue"
    assert first(found, moment=datetime(2025, 1, 1, tzinfo=UTC)).team == "red"
    assert found.changes("c1", START, NOW) == [MIDDLE]


def test_every_spelling_of_a_team_is_one_payer() -> None:
    found = book(known=[KnownTeam(1, "Team-Pay", START)])
    assert {first(found, labels={"team": name}).team for name in ("team_pay", "team.pay", "TEAM-PAY")} == {
        "Team-Pay"
    }


def test_shares_of_two_spellings_are_one_share() -> None:
    half = Decimal("0.5")
    rows = [rule("shop", "pay", share_ratio=half), rule("shop", "payments", share_ratio=half)]
    owners = book(rows, aliases=[NameAlias("payments", "pay", START)]).owners("c1", "shop", {}, {}, NOW)
    assert [(owner.team, owner.share_ratio) for owner in owners] == [("pay", 1)]


def test_the_cost_centre_of_the_cmdb_fills_in_for_rules_and_labels_but_not_for_guesses() -> None:
    versions = [team_version("shop", cost_centre="4711"), team_version("pay", cost_centre="4712")]
    assert first(book([rule("x", "pay")], versions=versions), "x").cost_centre == "4712"
    assert first(book([rule("x", "pay", cost_centre="1")], versions=versions), "x").cost_centre == "1"
    assert first(book(versions=versions), "x", labels={"team": "pay"}).cost_centre == "4712"
    assert first(book(versions=versions), "shop").cost_centre is None


def test_facts_are_part_of_the_hash_of_the_days_they_touch_only() -> None:
    plain = book([rule("shop", "a")])
    named = book([rule("shop", "a")], aliases=[NameAlias("a", "b", MIDDLE)])
    assert plain.hash_between("c1", START, MIDDLE) == named.hash_between("c1", START, MIDDLE)
    assert plain.hash_between("c1", MIDDLE, NOW) != named.hash_between("c1", MIDDLE, NOW)
    placed = book([rule("shop", "a")], [PlaceVersion("x", None, MIDDLE, labels={"team": "q"})])
    assert placed.hash_between("c1", MIDDLE, NOW) != plain.hash_between("c1", MIDDLE, NOW)
