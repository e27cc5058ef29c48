"""Whatever rules, names and CMDB say: at every instant the shares of a workload add up to one."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from hypothesis import assume, given
from hypothesis import strategies as st

from models.ownership.entities import EntityFacts, EntityKind, EntityRecord, check_records
from models.ownership.history import plan_sync
from models.ownership.matching import OwnershipBook, OwnershipFacts, OwnershipSource
from models.ownership.names import NameAlias, TeamNames
from models.ownership.precedence import check_rule_set, in_order
from models.ownership.rules import OwnershipRow, RuleOrigin
from models.ownership.teams import TeamDirectory
from models.vocabulary.errors import InputError

START = datetime(2026, 1, 1, tzinfo=UTC)
minutes = st.integers(0, 5000)
instants = minutes.map(lambda minute: START + timedelta(minutes=minute))
teams = st.sampled_from(["a", "b", "c", "A", "team-a"])


@st.composite
def rule_groups(draw: st.DrawFn) -> list[OwnershipRow]:
    """Return one rule, or a split of a whole among several teams."""
    start = draw(instants)
    end = draw(st.none() | instants.filter(lambda moment: moment > start))
    names = draw(st.lists(teams, min_size=1, max_size=3, unique=True))
    shares = {1: ["1"], 2: ["0.25", "0.75"], 3: ["0.2", "0.3", "0.5"]}[len(names)]
    place = {
        "cluster": draw(st.sampled_from(["*", "c1", "c*"])),
        "namespace": draw(st.sampled_from(["shop", "sh*", "*", "bank"])),
        "label_selector": draw(st.sampled_from([None, "app=web", "app!=web", "tier in (a,b)"])),
        "workload": draw(st.sampled_from([None, "web", "Deployment/*"])),
        "priority": draw(st.integers(0, 2)),
        "origin": draw(st.sampled_from(RuleOrigin)),
    }
    return [
        OwnershipRow(team=name, valid_from=start, valid_to=end, share_ratio=Decimal(share), **place)
        for name, share in zip(names, shares, strict=True)
    ]


rule_sets = st.lists(rule_groups(), max_size=5).map(lambda groups: [row for group in groups for row in group])
labels = st.sampled_from([{}, {"app": "web"}, {"app": "api", "tier": "a"}, {"team": "x"}])
places = st.tuples(
    st.sampled_from(["c1", "d1"]),
    st.sampled_from(["shop", "bank", "other"]),
    labels,
    st.sampled_from([None, ("Deployment", "web"), ("Job", "web")]),
)


def _book(rows: list[OwnershipRow]) -> OwnershipBook:
    facts = OwnershipFacts(
        TeamNames([NameAlias("team-a", "a", START + timedelta(minutes=700))]), TeamDirectory()
    )
    try:
        check_rule_set(rows)
        return OwnershipBook(rows, facts)
    except InputError:
        assume(False)
        raise


@given(rule_sets, places, st.lists(instants, min_size=1, max_size=5))
def test_shares_add_up_to_one_at_every_instant(rows, place, moments) -> None:
    book = _book(rows)
    cluster, namespace, pod_labels, workload = place
    edges = [edge for row in rows for edge in (row.valid_from, row.ends_at) if edge.year < 9999]
    for moment in (*moments, *edges, *(edge - timedelta(microseconds=1) for edge in edges)):
        owners = book.owners(cluster, namespace, pod_labels, {}, moment, workload)
        assert sum((owner.share_ratio for owner in owners), Decimal(0)) == 1
        assert all(owner.share_ratio > 0 for owner in owners)
        assert all(owner.source in OwnershipSource for owner in owners if owner.team is not None)
        assert len({(owner.team, owner.cost_centre) for owner in owners}) == len(owners)


@given(rule_sets, places, instants, st.randoms(use_true_random=False))
def test_the_order_of_rules_in_a_file_changes_nothing(rows, place, moment, chance: random.Random) -> None:
    shuffled = list(rows)
    chance.shuffle(shuffled)
    one, other = _book(rows), _book(shuffled)
    cluster, namespace, pod_labels, workload = place
    assert one.owners(cluster, namespace, pod_labels, {}, moment, workload) == other.owners(
        cluster, namespace, pod_labels, {}, moment, workload
    )
    end = START + timedelta(days=9)
    assert one.hash_between("c1", START, end) == other.hash_between("c1", START, end)
    assert in_order(rows) == in_order(shuffled)


@given(rule_sets, places, instants)
def test_owners_change_only_at_the_instants_that_are_announced(rows, place, moment) -> None:
    book = _book(rows)
    cluster, namespace, pod_labels, workload = place
    edges = [
        START - timedelta(days=1),
        *book.changes(cluster, START - timedelta(days=1), START + timedelta(days=9)),
    ]
    before = max(edge for edge in edges if edge <= moment)
    arguments = (cluster, namespace, pod_labels, {})
    assert book.owners(*arguments, moment, workload) == book.owners(*arguments, before, workload)


records = st.lists(
    st.builds(
        lambda name, team, start: EntityRecord(
            EntityKind.PROJECT, name, EntityFacts(team=team), start, None, 1
        ),
        st.sampled_from(["p", "q", "r"]),
        teams,
        st.none() | instants,
    ),
    max_size=3,
    unique_by=lambda record: record.name,
)


@given(st.lists(records, min_size=1, max_size=5))
def test_a_sync_twice_changes_nothing_and_versions_never_overlap(states) -> None:
    stored: list = []
    for number, stated in enumerate(states):
        at = START + timedelta(minutes=1000 * number)
        check_records(stated, "cmdb")
        plan = plan_sync("cmdb", stored, stated, at)
        stored = [version for version in stored if version not in plan.superseded] + list(plan.written)
        assert plan_sync("cmdb", stored, stated, at + timedelta(minutes=1)).is_empty
        for name in ("p", "q", "r"):
            own = sorted((one for one in stored if one.name == name), key=lambda one: one.valid_from)
            assert all(one.valid_from < one.ends_at for one in own)
            assert all(one.ends_at <= after.valid_from for one, after in pairwise(own))
        open_names = {version.name for version in stored if version.valid_to is None}
        assert open_names == {record.name for record in stated}
