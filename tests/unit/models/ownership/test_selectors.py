"""Labels that name a team, annotations, globs and loops."""

import pytest

from models.ownership.annotations import annotations_match, parse_annotation_selector
from models.ownership.cycles import check_no_cycle, find_cycle
from models.ownership.globs import can_meet, literal_length
from models.ownership.label_keys import team_label
from models.vocabulary.errors import InputError

KEYS = ("team", "squad", "group", "owner", "example.com/cost-owner")


@pytest.mark.parametrize(
    ("labels", "team"),
    [
        ({"owner": "o", "squad": "s"}, "s"),
        ({"example.com/team": "pay"}, "pay"),
        ({"example.com/Team": "pay", "owner": "x"}, "pay"),
        ({"TEAM": "a", "example.com/team": "b"}, "a"),
        ({"team": "a", "TEAM": "b"}, "a"),
        ({"example_com_cost_owner": "c"}, "c"),
        ({"example.com/cost.owner": "c"}, "c"),
        ({"batch.kubernetes.io/owner": "job"}, None),
        ({"olm.owner": "operator"}, None),
        ({"teams": "a", "team": ""}, None),
        ({}, None),
    ],
)
def test_a_team_label_is_found_in_every_spelling(labels, team) -> None:
    assert team_label(labels, KEYS) == team
    assert team_label(dict(reversed(labels.items())), KEYS) == team


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ("owner=*@pay.example.com", True),
        ("owner=ann@*,team", True),
        ("owner!=bob@*", True),
        ("!legacy", True),
        ("owner=bob@*", False),
        ("legacy", False),
        ("!owner", False),
        ("missing!=x", True),
        ("", True),
        (None, True),
    ],
)
def test_annotations_are_matched_by_globs(selector, matches) -> None:
    assert annotations_match(selector, {"owner": "ann@pay.example.com", "team": "pay"}) is matches


@pytest.mark.parametrize("text", ["=x", "a b=c", "!", "a,,b", "a in (b)"])
def test_what_is_no_annotation_selector_is_named(text: str) -> None:
    with pytest.raises(InputError, match="annotation_selector"):
        parse_annotation_selector(text)


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("pay", "pay", True),
        ("pay", "play", False),
        ("pay-*", "pay-api", True),
        ("pay-*", "*-api", True),
        ("a*b", "b*a", False),
        ("a?c", "ab*", True),
        ("a?c", "ab", False),
        ("[ab]x", "[bc]x", True),
        ("[ab]x", "[cd]x", False),
        ("[!a]x", "ax", False),
        ("*", "", True),
        ("x*y*z", "*q*", True),
        ("ab*", "a", False),
    ],
)
def test_two_globs_meet_when_some_name_matches_both(one: str, other: str, meet: bool) -> None:
    assert can_meet(one, other) is meet
    assert can_meet(other, one) is meet


def test_fixed_letters_make_a_glob_specific() -> None:
    assert [literal_length(glob) for glob in ("*", "pay-*", "pa[xy]-*", "pay?")] == [0, 4, 3, 3]


def test_a_loop_is_named_from_its_smallest_name_whatever_the_order() -> None:
    edges = {"z": ["b"], "c": ["a"], "b": ["c"], "a": ["b", "x"]}
    assert find_cycle(edges) == find_cycle(dict(reversed(edges.items()))) == ("a", "b", "c", "a")
    assert find_cycle({"a": ["b", "c"], "b": ["d"], "c": ["d"]}) is None
    assert find_cycle({"a": ["a"]}) == ("a", "a")
    with pytest.raises(InputError, match="field team: shared teams pay each other: a -> a"):
        check_no_cycle({"a": ["a"]}, "shared teams pay each other", field="team")


def test_a_chain_of_fifty_thousand_is_searched_without_recursion() -> None:
    edges = {str(number): [str(number + 1)] for number in range(50_000)}
    assert find_cycle(edges) is None
    loop = find_cycle(edges | {"50000": ["0"]})
    assert loop is not None
    assert len(loop) == 50_002
