from datetime import UTC, datetime
from decimal import Decimal

from models.ownership.matching import OwnershipBook, OwnershipSource
from models.ownership.rules import OwnershipRow

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
