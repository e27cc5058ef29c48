from __future__ import annotations

import pytest

from models.vocabulary.errors import Forbidden, InputError
from models.vocabulary.identity import Principal, Role, check_cluster_name


@pytest.mark.parametrize("name", ["null", "", "Prod", "-prod", "a/b", "a" * 64, "ä"])
def test_a_cluster_name_that_a_path_would_change_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="not a cluster name"):
        check_cluster_name(name)


def test_a_principal_without_a_role_reads_nothing() -> None:
    with pytest.raises(Forbidden, match="holds no role"):
        Principal("mallory").visible_teams()


def test_an_owner_reads_only_own_teams() -> None:
    owner = Principal("ann", frozenset({Role.OWNER}), frozenset({"search"}))
    assert owner.visible_teams() == frozenset({"search"})


def test_an_owner_without_teams_reads_no_rows_rather_than_all() -> None:
    assert Principal("ann", frozenset({Role.OWNER})).visible_teams() == frozenset()


def test_finance_reads_all_teams() -> None:
    assert Principal("fin", frozenset({Role.FINANCE})).visible_teams() is None


@pytest.mark.parametrize("role", [Role.LEADERSHIP, Role.FINANCE])
def test_reading_everything_does_not_allow_deciding(role: Role) -> None:
    with pytest.raises(Forbidden, match="may not decide for team search"):
        Principal("eve", frozenset({role})).require_decision_for("search")


def test_an_owner_decides_for_the_own_team_only() -> None:
    owner = Principal("ann", frozenset({Role.OWNER}), frozenset({"search"}))
    owner.require_decision_for("search")
    with pytest.raises(Forbidden):
        owner.require_decision_for("pay")
    with pytest.raises(Forbidden):
        owner.require_decision_for(None)


def test_a_required_role_is_named_in_the_refusal() -> None:
    with pytest.raises(Forbidden, match="needs the role admin or finance"):
        Principal("ann", frozenset({Role.OWNER})).require(Role.FINANCE)
