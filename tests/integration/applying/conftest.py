"""Worlds of one workload that a test may change; the empty warehouse is made once and copied."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from support.applying_world import ApplyingWorld, applying_world, deployment

from service.runtime import Runtime


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the home folder of a warehouse that holds nothing."""
    home = tmp_path_factory.mktemp("empty") / "home"
    Runtime.for_test(home).warehouse.close()
    return home


@pytest.fixture
def opened(tmp_path: Path, empty_home: Path) -> Iterator[Callable[..., ApplyingWorld]]:
    """Return how to open a world: its objects, and options of `applying_world`."""
    shutil.copytree(empty_home, tmp_path / "home")
    with ExitStack() as stack:

        def open_world(*objects: dict[str, Any], **options: Any) -> ApplyingWorld:
            return stack.enter_context(applying_world(tmp_path, *(objects or (deployment(),)), **options))

        yield open_world
