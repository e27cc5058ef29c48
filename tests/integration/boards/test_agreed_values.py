"""What an owner agreed to is what the board of suggestions shows from then on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.life import OWNER, only, priced_world

from service.boards.formats import money
from service.boards.inbox import read_inbox
from service.boards.suggestion import SuggestionDetail, read_suggestion
from service.runtime import Runtime
from service.usecases.decisions import accept
from service.usecases.edited_values import parse_edits


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Runtime]:
    runtime = priced_world(tmp_path / "world")
    yield runtime
    runtime.warehouse.close()


def detail(world: Runtime) -> SuggestionDetail:
    return read_suggestion(world, OWNER, only(world).id)


def test_edited_values_are_shown_with_their_own_risk_and_saving_and_what_was_advised(world: Runtime) -> None:
    before = detail(world)
    assert before.agreed_note == ""
    accept(world, OWNER, only(world).id, only(world).etag, edits=parse_edits({"cpu_request_cores": "250m"}))
    found, stored = detail(world), only(world)
    assert stored.agreed_risk is not None
    assert stored.agreed_saving_per_month is not None
    assert found.values[0].advised == "0.25 cores"
    assert (
        found.agreed_note
        == f"Values agreed by the owner; advised was CPU request {before.values[0].advised}."
    )
    assert found.cpu_advised_cores == 0.25
    assert found.risk == stored.agreed_risk.sentence
    amount = money(stored.agreed_saving_per_month, "EUR")
    assert amount in found.money_lines[0]
    (row,) = (one for one in read_inbox(world, OWNER).rows if one.id == stored.id)
    assert row.cpu.endswith("0.25")
    assert row.saving == stored.agreed_saving_per_month


def test_an_advice_taken_as_it_is_shows_no_second_value(world: Runtime) -> None:
    before = detail(world)
    accept(world, OWNER, only(world).id, only(world).etag)
    found = detail(world)
    assert found.agreed_note == ""
    assert found.values == before.values
    assert found.money_lines == before.money_lines
