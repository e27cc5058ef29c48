from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser
from support.board_world import World, build_world
from support.browser import Visit, chromium, serving, visiting


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Return the company that the browser looks at and decides in."""
    found = build_world(tmp_path_factory.mktemp("world"))
    yield found
    found.runtime.warehouse.close()


@pytest.fixture(scope="module")
def base(world: World) -> Iterator[str]:
    """Return the address of a server on that company."""
    with serving(world.runtime) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a running Chromium."""
    with chromium() as found:
        yield found


@pytest.fixture
def visit(browser: Browser, base: str) -> Iterator[Visit]:
    """Return a fresh tab."""
    with visiting(browser, base) as found:
        yield found
