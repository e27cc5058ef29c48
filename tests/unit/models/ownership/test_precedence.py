from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from models.ownership.precedence import check_rule_set, in_order
from models.ownership.rules import OwnershipRow, RuleOrigin
from models.vocabulary.errors import InputError

START, MIDDLE = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
HALF = Decimal("0.5")


def rule(team, namespace="shop", cluster="*", **fields):
    return OwnershipRow(cluster, namespace, team, fields.pop("valid_from", START), **fields)


def test_the_order_of_rules_is_priority_then_specificity() -> None:
    ordered = [
        rule("priority", priority=1, namespace="*"),
        rule("kind and workload", workload="Deployment/web"),
        rule("workload", workload="web"),
        rule("workload glob", workload="we*"),
        rule("label and annotation", label_selector="app=web", annotation_selector="owner", cluster="c*"),
        rule("two conditions", label_selector="app=web,tier=a"),
        rule("one condition in a glob", namespace="sh*", label_selector="app=web"),
        rule("exact in a cluster", cluster="c1"),
        rule("exact"),
        rule("longer glob", namespace="sho*"),
        rule("glob", namespace="s*"),
        rule("of the CMDB", priority=9, workload="Deployment/web", origin=RuleOrigin.CMDB),
    ]
    assert [row.team for row in in_order(reversed(ordered))] == [row.team for row in ordered]


def test_a_split_adds_up_to_one_at_every_instant() -> None:
    check_rule_set([rule("a", share_ratio=HALF), rule("b", share_ratio=HALF)])
    with pytest.raises(
        InputError, match=r"own.csv, row 4, field share_ratio.*rows 4, 5 divide shop in \* .*90 %"
    ):
        check_rule_set(
            [
                rule("a", share_ratio=HALF, source_file="own.csv", source_row=4),
                rule("b", share_ratio=Decimal("0.4"), source_file="own.csv", source_row=5),
            ]
        )


def test_a_split_of_which_one_share_ends_early_is_refused_at_that_instant() -> None:
    rows = [rule("a", share_ratio=HALF), rule("b", share_ratio=HALF, valid_to=MIDDLE)]
    with pytest.raises(InputError, match=r"rows 1 divide .* 50 % at 2026-06-01"):
        check_rule_set(rows)


def test_a_split_may_change_hands_as_a_whole() -> None:
    check_rule_set(
        [
            rule("a", share_ratio=HALF, valid_to=MIDDLE),
            rule("b", share_ratio=HALF, valid_to=MIDDLE),
            rule("c", valid_from=MIDDLE),
        ]
    )


def test_one_team_alone_may_own_a_part() -> None:
    check_rule_set([rule("a", share_ratio=HALF)])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (rule("a", namespace="pay-*"), rule("b", namespace="*-api")),
        (rule("a", label_selector="app=web"), rule("b", label_selector="tier=gold")),
        (rule("a", label_selector="app=web"), rule("b", label_selector="app in (web,api)")),
        (rule("a", workload="w*"), rule("b", workload="*b")),
        (rule("a", annotation_selector="owner=x"), rule("b", label_selector="app=web")),
        (rule("a", label_selector="app=web"), rule("a", label_selector="tier=gold", cost_centre="9")),
    ],
)
def test_rules_of_one_precedence_that_can_meet_are_refused_with_both_rows(one, other) -> None:
    rows = [
        replace(one, source_file="own.csv", source_row=2),
        replace(other, source_file="own.csv", source_row=7),
    ]
    with pytest.raises(InputError, match=r"own.csv, row 2, field priority.*row 2 \(a\) and row 7"):
        check_rule_set(rows)
    check_rule_set([rows[0], replace(rows[1], priority=1)])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (rule("a", namespace="pay-*"), rule("b", namespace="buy-*")),
        (rule("a", label_selector="app=web"), rule("b", label_selector="app=api")),
        (rule("a", label_selector="app=web"), rule("b", label_selector="app!=web")),
        (rule("a", label_selector="app"), rule("b", label_selector="!app")),
        (rule("a", cluster="c1"), rule("b", cluster="c2")),
        (rule("a", valid_to=MIDDLE), rule("b", valid_from=MIDDLE)),
        (rule("a", label_selector="app=web"), rule("a", label_selector="tier=gold")),
        (rule("a", workload="web"), rule("b", workload="Deployment/web")),
        (rule("a", workload="Job/w*"), rule("b", workload="Pod/w*")),
        (rule("a"), rule("b", origin=RuleOrigin.CMDB)),
    ],
)
def test_rules_that_never_meet_or_agree_stand_beside_each_other(one, other) -> None:
    check_rule_set([one, other])


def test_thousands_of_services_told_apart_by_a_label_are_checked_quickly() -> None:
    rows = [rule(f"team-{n % 7}", "*", label_selector=f"app=service-{n}") for n in range(4000)]
    check_rule_set(rows)
