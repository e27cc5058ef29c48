from datetime import UTC, datetime

import pytest

from models.ownership.entities import EntityFacts, EntityKind, EntityRecord, EntityVersion, check_records
from models.ownership.history import plan_sync
from models.vocabulary.errors import InputError

JANUARY, MARCH, MAY, JULY = (datetime(2026, month, 1, tzinfo=UTC) for month in (1, 3, 5, 7))


def record(team, name="shop", kind=EntityKind.PROJECT, valid_from=None, valid_to=None, row=1, **facts):
    return EntityRecord(kind, name, EntityFacts(team=team, **facts), valid_from, valid_to, row)


def apply(stored, records, at, **options):
    plan = plan_sync("cmdb", stored, records, at, **options)
    kept = [version for version in stored if version not in plan.superseded]
    return sorted([*kept, *plan.written], key=lambda one: (one.key, one.valid_from)), plan


def spans(versions):
    return [(one.facts.team, one.valid_from, one.valid_to) for one in versions]


def counts(plan):
    return plan.added_count, plan.changed_count, plan.removed_count, plan.unchanged_count


def test_a_change_ends_the_old_version_and_begins_a_new_one_at_the_sync() -> None:
    stored, plan = apply([], [record("red")], JANUARY)
    assert counts(plan) == (1, 0, 0, 0)
    stored, plan = apply(stored, [record("blue")], MARCH)
    assert spans(stored) == [("red", JANUARY, MARCH), ("blue", MARCH, None)]
    assert counts(plan) == (0, 1, 0, 0)


def test_the_same_records_again_change_nothing() -> None:
    records = [
        record("red"),
        record("blue", "bank", valid_from=MARCH),
        record("x", "old", valid_from=JANUARY, valid_to=MARCH),
    ]
    stored, _ = apply([], records, MAY)
    again, plan = apply(stored, records, JULY)
    assert again == stored
    assert plan.is_empty
    assert plan.unchanged_count == 2


def test_the_effective_date_of_the_cmdb_counts_not_the_sync() -> None:
    stored, _ = apply([], [record("red")], JANUARY)
    stored, _ = apply(stored, [record("blue", valid_from=MARCH)], MAY)
    assert spans(stored) == [("red", JANUARY, MARCH), ("blue", MARCH, None)]
    future, _ = apply(stored, [record("green", valid_from=JULY)], MAY)
    assert spans(future)[1:] == [("blue", MARCH, JULY), ("green", JULY, None)]


def test_what_the_cmdb_no_longer_states_ends_and_keeps_its_history() -> None:
    stored, _ = apply([], [record("red"), record("blue", "bank")], JANUARY)
    stored, plan = apply(stored, [record("blue", "bank")], MARCH)
    assert spans(stored) == [("blue", JANUARY, None), ("red", JANUARY, MARCH)]
    assert (plan.removed_count, plan.in_force_count, plan.removed_ratio) == (1, 2, 0.5)


def test_what_comes_back_begins_anew() -> None:
    stored, _ = apply([], [record("red")], JANUARY)
    stored, _ = apply(stored, [], MARCH)
    stored, plan = apply(stored, [record("red")], MAY)
    assert spans(stored) == [("red", JANUARY, MARCH), ("red", MAY, None)]
    assert plan.added_count == 1


def test_a_withdrawn_future_change_leaves_one_version() -> None:
    stored, _ = apply([], [record("red")], JANUARY)
    stored, _ = apply(stored, [record("blue", valid_from=JULY)], MARCH)
    stored, _ = apply(stored, [record("red")], MAY)
    assert spans(stored) == [("red", JANUARY, None)]


def test_an_earlier_date_given_later_moves_the_beginning_back() -> None:
    stored, _ = apply([], [record("red")], MAY)
    stored, _ = apply(stored, [record("red", valid_from=JANUARY)], JULY)
    assert spans(stored) == [("red", JANUARY, None)]


def test_the_history_that_a_cmdb_states_itself_is_taken_over() -> None:
    records = [record("red", valid_from=JANUARY, valid_to=MARCH), record("blue", valid_from=MARCH, row=2)]
    check_records(records, "cmdb")
    stored, _ = apply([], records, MAY)
    assert spans(stored) == [("red", JANUARY, MARCH), ("blue", MARCH, None)]


def test_a_first_sync_may_reach_back_and_later_ones_may_not() -> None:
    stored, _ = apply([], [record("red")], MAY, first_valid_from=JANUARY)
    assert spans(stored) == [("red", JANUARY, None)]
    stored, _ = apply(stored, [record("red"), record("x", "new")], JULY, first_valid_from=JANUARY)
    assert ("x", JULY, None) in spans(stored)


def test_an_entity_twice_at_one_time_is_refused_with_both_rows() -> None:
    with pytest.raises(InputError, match=r"cmdb, row 2, field name.*rows 1 and 2"):
        check_records([record("a"), record("b", row=2)], "cmdb")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (record("a", name=" "), "name"),
        (record("a", name="x" * 300), "name"),
        (record("a", valid_from=MARCH, valid_to=MARCH), "valid_to"),
        (record("a", label_selector="a b"), "label_selector"),
        (record("a", annotation_selector="=x"), "annotation_selector"),
    ],
)
def test_a_wrong_value_is_named(wrong: EntityRecord, field: str) -> None:
    with pytest.raises(InputError, match=f"cmdb, row 1, field {field}"):
        check_records([wrong], "cmdb")


def test_parents_in_a_circle_are_refused_naming_it() -> None:
    teams = [
        record(None, name, EntityKind.TEAM, parent=parent)
        for name, parent in (("a", "b"), ("b", "c"), ("c", "a"))
    ]
    with pytest.raises(InputError, match="parents of teams lead in a circle: a -> b -> c -> a"):
        check_records(teams, "cmdb")


def test_a_service_of_a_project_of_its_own_name_is_no_circle() -> None:
    check_records([record("a", "pay"), record("a", "pay", EntityKind.SERVICE, parent="pay")], "cmdb")


def test_versions_know_when_they_hold() -> None:
    version = EntityVersion("cmdb", EntityKind.TEAM, "a", EntityFacts(), JANUARY, MARCH)
    assert [version.holds_at(moment) for moment in (JANUARY, MARCH)] == [True, False]
