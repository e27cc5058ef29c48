from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.board_world import NOW
from support.gated import ONE_TIME

from service.access import AccessControl
from service.runtime import Runtime


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    """Return a runtime on an empty warehouse."""
    found = Runtime.for_test(tmp_path, now=NOW)
    yield found
    found.warehouse.close()


@pytest.fixture
def control(runtime: Runtime) -> AccessControl:
    """Return the access control of that runtime, with a one-time link."""
    return AccessControl(runtime, ONE_TIME)
