from __future__ import annotations

import time
from collections import Counter

import pytest
from support.name_pairs import CMDB_SERVICES, MERGED_VARIANTS, RULES, labelled_names

from models.ownership.entities import EntityKind
from models.ownership.name_matches import NameKind
from models.ownership.reconciliation import NameRules, reconcile, reconcile_workloads

SERVICES = [(EntityKind.SERVICE, name) for name in CMDB_SERVICES]
NO_RULES = NameRules()


def services(*names):
    return [(EntityKind.SERVICE, name) for name in names]


def merged(names, entities, rules=NO_RULES, kind=NameKind.NAMESPACE):
    found = reconcile(kind, names, entities, rules)
    return {pair.name: pair.entity for pair in found.merged}


def proposed(names, entities, rules=NO_RULES):
    found = reconcile(NameKind.NAMESPACE, names, entities, rules)
    return {(pair.name, pair.entity) for pair in found.proposed}


def test_the_labelled_names_are_five_hundred_with_every_variant_and_hard_negatives() -> None:
    kinds = Counter(one.variant for one in labelled_names())
    assert sum(kinds.values()) == 500
    assert kinds["hard negative"] >= 50
    assert min(kinds.values()) >= 20


def test_nothing_is_merged_wrongly_and_nine_of_ten_are_merged_or_proposed() -> None:
    names = labelled_names()
    meaning = {one.name: one.meaning for one in names}
    started = time.perf_counter()
    found = reconcile(NameKind.NAMESPACE, meaning, SERVICES, RULES)
    assert time.perf_counter() - started < 30
    wrong = [(pair.name, pair.entity) for pair in found.merged if meaning[pair.name] != pair.entity]
    assert wrong == []
    true_pairs = {(one.name, one.meaning) for one in names if one.meaning is not None}
    reached = {(pair.name, pair.entity) for pair in (*found.merged, *found.proposed)} & true_pairs
    assert len(reached) / len(true_pairs) >= 0.9
    by_rule = {one.name for one in names if one.variant in MERGED_VARIANTS}
    assert {pair.name for pair in found.merged} == by_rule


def test_every_name_is_merged_proposed_or_unmatched_and_only_once() -> None:
    names = {one.name for one in labelled_names()}
    found = reconcile(NameKind.NAMESPACE, names, SERVICES, RULES)
    parts = ({p.name for p in found.merged}, {p.name for p in found.proposed}, set(found.unmatched))
    assert set.union(*parts) == names
    assert sum(map(len, parts)) == len(names)


@pytest.mark.parametrize(
    ("name", "entity"),
    [
        ("play-api", "pay-api"),
        ("payments-us", "payments-eu"),
        ("payments-11", "payments1-1"),
        ("teampay", "team-pay"),
        ("api-pay", "pay-api"),
        ("ledger-v2", "ledger-v1"),
    ],
)
def test_near_names_are_never_merged(name: str, entity: str) -> None:
    assert merged([name], services(entity)) == {}


def test_names_that_differ_in_case_and_separators_only_are_merged() -> None:
    names = ["Team-Pay", "team_pay", "team.pay", "TeamPay"]
    assert merged(names, services("team-pay")) == dict.fromkeys(names, "team-pay")


def test_listed_words_are_taken_off_whole_and_never_all() -> None:
    rules = NameRules(("prod-",), ("-svc",))
    assert merged(["prod-pay-svc", "product-pay", "prod", "svc"], services("pay", "uct-pay"), rules) == {
        "prod-pay-svc": "pay"
    }


def test_the_same_name_comes_before_one_without_its_prefix() -> None:
    rules = NameRules(("prod-",))
    assert merged(["prod-pay"], services("pay", "prod-pay"), rules) == {"prod-pay": "prod-pay"}


def test_two_entities_of_one_name_are_proposed_not_merged() -> None:
    assert merged(["pay"], services("PAY", "Pay")) == {}
    assert proposed(["pay"], services("PAY", "Pay")) == {("pay", "PAY"), ("pay", "Pay")}


def test_a_namespace_means_a_project_before_a_service_of_its_name() -> None:
    found = reconcile(
        NameKind.NAMESPACE, ["pay"], [(EntityKind.SERVICE, "pay"), (EntityKind.PROJECT, "pay")], NO_RULES
    )
    assert [pair.entity_kind for pair in found.merged] == [EntityKind.PROJECT]


def test_evidence_says_why() -> None:
    found = reconcile(NameKind.NAMESPACE, ["pymt-gtwy"], services("payment-gateway"), NO_RULES)
    assert [(pair.score, pair.evidence) for pair in found.proposed] == [(0.85, "words shortened")]


def test_a_workload_name_that_several_namespaces_use_is_only_proposed() -> None:
    workloads = [("a", "redis"), ("b", "redis"), ("a", "cart")]
    found = reconcile_workloads(workloads, services("redis", "cart"), NO_RULES)
    assert [pair.name for pair in found.merged] == ["a/cart"]
    assert {(pair.name, pair.evidence) for pair in found.proposed} == {
        ("a/redis", "the same name, in 2 namespaces"),
        ("b/redis", "the same name, in 2 namespaces"),
    }


def test_the_order_of_names_and_entities_changes_nothing() -> None:
    names = [one.name for one in labelled_names(120)]
    assert reconcile(NameKind.NAMESPACE, names, SERVICES, RULES) == reconcile(
        NameKind.NAMESPACE, names[::-1], SERVICES[::-1], RULES
    )
