"""What readers decide on the suggestions board, in a world of their own."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from support.board_world import LAST_DAY, OWNER_OF_SEARCH, PLATFORM, World, build_world

from models.vocabulary.errors import Forbidden, InputError
from models.vocabulary.suggestion_life import RecommendationState
from service.boards.deciding import (
    accept_edited,
    accept_previewed,
    decide,
    exclude_container,
    preview_bulk,
)
from service.boards.inbox import read_inbox
from service.boards.suggestion import read_suggestion
from service.usecases.exclusions import list_exclusions

_State = RecommendationState


@pytest.fixture
def world(tmp_path: Path) -> World:
    return build_world(tmp_path, first=date(2026, 11, 18), last=LAST_DAY)


def first_detail(world: World):
    row = read_inbox(world.runtime, OWNER_OF_SEARCH).rows[0]
    return read_suggestion(world.runtime, OWNER_OF_SEARCH, row.id)


def test_edited_values_are_what_is_accepted_and_what_the_patch_says(world: World) -> None:
    detail = first_detail(world)
    shown = dict(detail.wanted_texts)
    typed = {**shown, "cpu_request_cores": "1200m"}
    said = accept_edited(world.runtime, OWNER_OF_SEARCH, ((detail.id, detail.etag), shown), typed)
    assert said.is_recorded
    after = read_suggestion(world.runtime, OWNER_OF_SEARCH, detail.id)
    assert dict(after.wanted_texts)["cpu_request_cores"] == "1200m"
    assert 'cpu: "1200m"' in after.carrying.patches[0].text


def test_a_quantity_that_is_none_is_named_and_nothing_is_accepted(world: World) -> None:
    detail = first_detail(world)
    shown = dict(detail.wanted_texts)
    with pytest.raises(InputError, match="half a core"):
        accept_edited(
            world.runtime,
            OWNER_OF_SEARCH,
            ((detail.id, detail.etag), shown),
            {**shown, "cpu_request_cores": "half a core"},
        )
    assert read_suggestion(world.runtime, OWNER_OF_SEARCH, detail.id).is_open


def test_an_acceptance_can_be_taken_back_until_it_is_applied(world: World) -> None:
    detail = first_detail(world)
    seen = (detail.id, detail.etag)
    decide(world.runtime, OWNER_OF_SEARCH, seen, _State.ACCEPTED)
    accepted = read_suggestion(world.runtime, OWNER_OF_SEARCH, detail.id)
    assert accepted.may_withdraw
    assert not accepted.is_open
    assert decide(world.runtime, OWNER_OF_SEARCH, seen, _State.PROPOSED).is_recorded
    assert read_suggestion(world.runtime, OWNER_OF_SEARCH, detail.id).may_decide


def test_a_bulk_acceptance_is_looked_at_first_and_takes_what_it_showed(world: World) -> None:
    view = preview_bulk(world.runtime, PLATFORM, None, None, "EUR")
    assert len(view.plan.accepted) + len(view.plan.left_out) == sum(
        row.state == _State.PROPOSED for row in read_inbox(world.runtime, PLATFORM).rows
    )
    assert all(because for _, because in view.left)
    said = accept_previewed(world.runtime, PLATFORM, view)
    accepted = [row for row in read_inbox(world.runtime, PLATFORM).rows if row.state == _State.ACCEPTED]
    assert {row.id for row in accepted} == {one.id for one in view.plan.accepted}
    assert said.is_recorded == bool(accepted)


def test_an_owner_cannot_accept_in_bulk_for_another_team(world: World) -> None:
    with pytest.raises(Forbidden):
        preview_bulk(world.runtime, OWNER_OF_SEARCH, "checkout", None, "EUR")


def test_an_exclusion_from_the_board_names_the_container_and_its_end(world: World) -> None:
    detail = first_detail(world)
    assert exclude_container(world.runtime, OWNER_OF_SEARCH, detail.id, "sale next week", 7).is_recorded
    (rule,) = list_exclusions(world.runtime, OWNER_OF_SEARCH)
    assert (rule.workload, rule.container, rule.reason) == ("search-api", "app", "sale next week")
    assert rule.until == world.runtime.now() + timedelta(days=7)


def test_before_anything_was_applied_no_regret_is_claimed(world: World) -> None:
    figure = next(one for one in read_inbox(world.runtime, PLATFORM).figures if one.key == "regret")
    assert (figure.value, figure.note) == ("not measured yet", "none applied yet")
