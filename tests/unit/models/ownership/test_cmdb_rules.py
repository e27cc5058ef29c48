from datetime import UTC, datetime

from models.ownership.candidates import CandidateFinder, OwnedCost
from models.ownership.cmdb_rules import cmdb_rules
from models.ownership.entities import EntityFacts, EntityKind, EntityVersion
from models.ownership.name_matches import (
    DecidedPair,
    MatchDecision,
    NameKind,
    NameMatch,
    NamePair,
    matches_of,
)
from models.ownership.rules import RuleOrigin
from models.ownership.teams import TeamDirectory

JANUARY, MARCH, MAY, JULY = (datetime(2026, month, 1, tzinfo=UTC) for month in (1, 3, 5, 7))


def version(kind, name, start=JANUARY, end=None, **facts):
    return EntityVersion("cmdb", kind, name, EntityFacts(**facts), start, end)


def match(kind, name, entity_kind, entity, start=JANUARY, end=None):
    return NameMatch(kind, name, entity_kind, entity, start, end)


def short(rows):
    return [(row.namespace, row.workload, row.team, row.valid_from, row.valid_to) for row in rows]


def test_a_project_that_states_its_place_has_one_rule_of_the_cmdb() -> None:
    (row,) = cmdb_rules(
        [version(EntityKind.PROJECT, "shop", team="red", cost_centre="1", cluster="c1", namespace="shop-*")]
    )
    assert (row.cluster, row.namespace, row.team, row.cost_centre) == ("c1", "shop-*", "red", "1")
    assert (row.origin, row.source_file) == (RuleOrigin.CMDB, "cmdb: project shop")


def test_a_name_that_was_matched_gives_a_rule_while_both_hold() -> None:
    rows = cmdb_rules(
        [
            version(EntityKind.PROJECT, "Shop", end=MAY, team="red"),
            version(EntityKind.PROJECT, "Shop", MAY, team="blue"),
        ],
        [match(NameKind.NAMESPACE, "prod-shop", EntityKind.PROJECT, "Shop", MARCH, JULY)],
    )
    assert short(rows) == [("prod-shop", None, "red", MARCH, MAY), ("prod-shop", None, "blue", MAY, JULY)]


def test_a_service_without_a_team_has_that_of_its_project_at_the_time() -> None:
    rows = cmdb_rules(
        [
            version(EntityKind.PROJECT, "Shop", end=MARCH, team="red"),
            version(EntityKind.PROJECT, "Shop", MARCH, team="blue", cost_centre="7"),
            version(EntityKind.SERVICE, "cart", parent="Shop"),
        ],
        [match(NameKind.WORKLOAD, "shop/cart", EntityKind.SERVICE, "cart")],
    )
    assert short(rows) == [("shop", "cart", "red", JANUARY, MARCH), ("shop", "cart", "blue", MARCH, None)]
    assert rows[1].cost_centre == "7"


def test_what_has_no_team_or_no_place_has_no_rule() -> None:
    assert cmdb_rules([version(EntityKind.PROJECT, "a", namespace="a"), version(EntityKind.TEAM, "b")]) == []


def decided(decision, effective, sequence, name="shop"):
    pair = NamePair(NameKind.NAMESPACE, name, EntityKind.PROJECT, "Shop", 0.9, "near")
    return DecidedPair(pair, decision, effective, sequence)


def test_decisions_hold_from_their_dates_and_a_rejection_ends_a_match() -> None:
    accepted, rejected = MatchDecision.ACCEPTED, MatchDecision.REJECTED
    history = [decided(accepted, JANUARY, 0), decided(rejected, MARCH, 1), decided(accepted, MAY, 2)]
    assert [(one.valid_from, one.valid_to) for one in matches_of(history)] == [(JANUARY, MARCH), (MAY, None)]
    assert matches_of([decided(rejected, JANUARY, 0)]) == []


def test_a_rejection_before_the_beginning_leaves_nothing() -> None:
    history = [decided(MatchDecision.ACCEPTED, MARCH, 0), decided(MatchDecision.REJECTED, JANUARY, 1)]
    assert matches_of(history) == []


def test_a_team_has_the_cost_centre_of_its_parent_when_it_has_none() -> None:
    directory = TeamDirectory(
        [
            version(EntityKind.TEAM, "Team-Pay", parent="division"),
            version(EntityKind.TEAM, "division", cost_centre="900", end=MAY),
            version(EntityKind.TEAM, "loop", parent="loop"),
        ]
    )
    assert directory.cost_centre("team_pay", MARCH) == "900"
    assert directory.cost_centre("team_pay", MAY) is None
    assert directory.cost_centre("loop", MARCH) is None
    assert directory.cost_centre("unknown", MARCH) is None
    assert directory.changes() >= {JANUARY, MAY}


def test_candidates_are_the_neighbours_then_the_namesakes_then_near_names() -> None:
    finder = CandidateFinder(
        [
            OwnedCost("shop", "web", "red", 30),
            OwnedCost("shop", "cart", "blue", 10),
            OwnedCost("bank", "job", "gold", 5),
        ],
        {"jobs": "batch", "red": "red"},
    )
    found = finder.find("shop", "job")
    assert [(one.team, one.evidence) for one in found] == [
        ("red", "pays 75% of the owned cost in shop"),
        ("blue", "pays 25% of the owned cost in shop"),
        ("gold", "pays 100% of what is called job"),
    ]
    assert finder.find("jobss", "x")[0].team == "batch"
    assert CandidateFinder([], {}).find("a", "b") == ()
