from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.board_world import World, build_world


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Return the company of the boards' tests; nobody decides or changes anything in it."""
    found = build_world(tmp_path_factory.mktemp("world"))
    yield found
    found.runtime.warehouse.close()
