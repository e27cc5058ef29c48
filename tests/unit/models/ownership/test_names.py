from datetime import UTC, datetime

import pytest

from models.ownership.names import KnownTeam, NameAlias, TeamNames, check_aliases, normal_form, split_form
from models.vocabulary.errors import InputError

START, MIDDLE, END = (datetime(2026, month, 1, tzinfo=UTC) for month in (1, 6, 12))


def test_case_and_separators_do_not_count_but_where_they_stand_does() -> None:
    assert {normal_form(name) for name in ("Team-Pay", "team_pay", "team.pay", " TEAM  pay ")} == {"team-pay"}
    assert normal_form("pay-11") != normal_form("pay1-1")
    assert split_form("PaymentApi") == "payment-api"
    assert normal_form("\uff30ay") == "pay"


def test_every_spelling_of_a_known_team_becomes_the_known_one() -> None:
    names = TeamNames(known=[KnownTeam(1, "Team-Pay", START)])
    assert {names.canonical(name, MIDDLE) for name in ("team_pay", "team.pay", "TEAM-PAY", "Team-Pay")} == {
        "Team-Pay"
    }
    assert names.canonical("other", MIDDLE) == "other"


def test_a_spelling_counts_from_the_day_on_which_it_was_known() -> None:
    names = TeamNames(known=[KnownTeam(1, "Team-Pay", MIDDLE)])
    assert names.canonical("team_pay", START) == "team_pay"
    assert names.canonical("team_pay", MIDDLE) == "Team-Pay"
    assert names.changes() == {MIDDLE}


def test_of_two_spellings_the_lower_rank_counts_then_the_text_whatever_the_order() -> None:
    known = [KnownTeam(2, "a_b", START), KnownTeam(1, "A-B", START), KnownTeam(1, "a.b", START)]
    assert TeamNames(known=known).canonical("A_B", MIDDLE) == "A-B"
    assert TeamNames(known=known[::-1]).canonical("A_B", MIDDLE) == "A-B"


def test_aliases_hold_in_their_time_and_lead_on_to_other_aliases() -> None:
    names = TeamNames([NameAlias("squad-7", "payments", START, MIDDLE), NameAlias("payments", "Pay", START)])
    assert names.canonical("Squad_7", START) == "Pay"
    assert names.canonical("Squad_7", MIDDLE) == "Squad_7"
    assert names.canonical("PAYMENTS", END) == "Pay"


def test_an_alias_may_fix_the_spelling_of_the_same_name() -> None:
    names = TeamNames([NameAlias("team_pay", "Team-Pay", START)], [KnownTeam(2, "TEAM-PAY", START)])
    assert names.canonical("TEAM-PAY", MIDDLE) == "Team-Pay"
    assert names.canonical("Team-Pay", MIDDLE) == "Team-Pay"


def test_aliases_in_a_loop_are_refused_naming_the_loop() -> None:
    rows = [NameAlias("a", "B", START), NameAlias("b", "c", START), NameAlias("C", "a", START)]
    with pytest.raises(InputError, match="a -> b -> c -> a"):
        check_aliases(rows)


def test_aliases_that_would_loop_only_at_different_times_are_fine() -> None:
    check_aliases([NameAlias("a", "b", START, MIDDLE), NameAlias("b", "a", MIDDLE)])


def test_an_alias_of_two_teams_at_one_time_is_refused_with_both_rows() -> None:
    rows = [
        NameAlias("x", "a", START, END, "names.csv", 1),
        NameAlias("X", "b", MIDDLE, None, "names.csv", 2),
    ]
    with pytest.raises(InputError, match=r"names.csv, row 2, field alias.*a in row 1"):
        check_aliases(rows)


@pytest.mark.parametrize(
    ("row", "field"),
    [
        (NameAlias(" ", "a", START), "alias"),
        (NameAlias("a", "-", START), "team"),
        (NameAlias("a", "b", MIDDLE, START), "valid_to"),
    ],
)
def test_a_wrong_cell_is_named(row: NameAlias, field: str) -> None:
    with pytest.raises(InputError, match=f"field {field}"):
        check_aliases([row])
