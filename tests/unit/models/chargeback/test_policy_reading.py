"""What a policy document may say, and what is refused with the reason."""

from __future__ import annotations

import pytest

from models.chargeback.lines import LineKind
from models.chargeback.policy import Key, Policy, Scope, Target, policy_document, policy_hash
from models.chargeback.policy_reading import read_policy
from models.vocabulary.errors import InputError

_FULL = {
    "idle": {"to": "share", "scope": "pool", "key": "fixed", "ratios": {"a": "0.4", "b": 0.6}},
    "overhead": {"to": "platform", "team": "ops", "cost_centre": "CC-1"},
    "unowned": "proportional",
    "shared": [
        {"team": "network", "receivers": "all"},
        {"name": "dns", "namespaces": ["kube-*"], "key": "even", "receivers": ["a", "b"]},
    ],
    "bill": {"tax": "proportional", "support": {"to": "platform", "team": "ops"}},
    "oversell_gain": {"to": "platform", "team": "ops"},
}


def test_a_document_reads_back_as_the_policy_that_wrote_it():
    policy = read_policy(_FULL)
    assert read_policy(policy_document(policy)) == policy
    assert (policy.idle.scope, policy.idle.key, policy.bill[LineKind.TAX].to) == (
        Scope.POOL,
        Key.FIXED,
        Target.SHARE,
    )
    assert policy_hash(policy) == policy_hash(read_policy(dict(reversed(_FULL.items()))))
    assert policy_hash(policy) != policy_hash(Policy())


def test_an_empty_document_is_the_default():
    assert read_policy({}) == Policy()
    assert Policy().moves_nothing
    assert not read_policy(_FULL).moves_nothing


@pytest.mark.parametrize(
    ("document", "named"),
    [
        ({"idel": "share"}, "idel"),
        ({"idle": "everybody"}, "everybody"),
        ({"idle": {"to": "share", "scope": "planet"}}, "idle.scope"),
        ({"idle": {"to": "platform"}}, "idle.team"),
        ({"idle": {"to": "share", "key": "fixed"}}, "idle.ratios"),
        ({"idle": {"to": "share", "key": "fixed", "ratios": {"a": 0.5, "b": 0.4}}}, "do not add up to 1"),
        ({"unowned": {"to": "share"}}, "unowned"),
        ({"bill": {"rounding": "proportional"}}, "rounding"),
        ({"oversell_gain": "proportional"}, "oversell_gain"),
        ({"shared": [{"name": "x"}]}, "either a team or namespaces"),
        ({"shared": [{"team": "ops"}, {"team": "ops", "name": "again"}]}, "declared twice"),
        ({"shared": [{"team": "ops", "receivers": ["ops"]}]}, "pay for itself"),
        ({"shared": [{"team": "ops", "scope": "node"}]}, "shared[1].scope"),
        ([], "policy"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_named(document, named):
    with pytest.raises(InputError) as refused:
        read_policy(document)
    assert named in str(refused.value)


def test_shared_teams_that_pay_for_each_other_are_a_circle():
    document = {
        "shared": [
            {"team": "network", "receivers": ["monitoring"]},
            {"team": "monitoring", "receivers": ["platform"]},
            {"team": "platform", "receivers": ["network", "shop"]},
        ]
    }
    with pytest.raises(InputError, match="circle") as refused:
        read_policy(document)
    assert "platform -> network -> monitoring -> platform" in str(refused.value)


def test_a_team_shared_out_before_it_would_receive_must_be_declared_later():
    document = {
        "shared": [
            {"team": "network", "receivers": ["shop"]},
            {"team": "monitoring", "receivers": ["network", "shop"]},
        ]
    }
    with pytest.raises(InputError, match="declare it later"):
        read_policy(document)
    read_policy({"shared": list(reversed(document["shared"]))})
