"""Fixtures that every suite shares; each real part has a module of its own in tests/support."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# No deadline: these machines are shared and noisy. CI repeats the same examples, people search for new ones.
settings.register_profile("millicore", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("millicore")

_REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def repository() -> Path:
    """Return the root of the repository."""
    return _REPOSITORY


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """Return the folder of reference data beside the repository, or skip with the reason."""
    folder = Path(os.environ.get("MILLICORE_REFERENCE_DATA", _REPOSITORY.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"reference data is not at {folder}; set MILLICORE_REFERENCE_DATA to run this test")
    return folder


@pytest.fixture(scope="session")
def shared_data(shared_folder: Path) -> Path:
    """Return the folder of recorded data, or skip with the reason."""
    return shared_folder / "data"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's own settings out of every test."""
    for name in list(os.environ):
        if name.startswith("MILLICORE_") and name != "MILLICORE_REFERENCE_DATA":
            monkeypatch.delenv(name)
