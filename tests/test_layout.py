"""Guards of the flat layout: nothing installed and no file of ours may shadow our top-level packages."""

from __future__ import annotations

import sys
from importlib.metadata import packages_distributions
from pathlib import Path

PACKAGES = ("models", "warehouse", "ingest", "recommender", "service", "dashboards")


def test_no_other_installed_distribution_claims_one_of_our_top_level_names() -> None:
    claims = packages_distributions()
    foreign = {name: set(claims.get(name, ())) - {"millicore"} for name in PACKAGES}
    assert not {name: owners for name, owners in foreign.items() if owners}


def test_every_package_is_imported_from_this_repository(repository: Path) -> None:
    for name in PACKAGES:
        module = __import__(name)
        assert module.__file__ is not None
        assert Path(module.__file__).resolve().is_relative_to(repository), name


def test_no_file_in_dashboards_shadows_a_package_or_the_standard_library(repository: Path) -> None:
    # Streamlit puts the folder of its entry file first on the path, where each stem becomes a module.
    taken = {*PACKAGES, *sys.stdlib_module_names, "streamlit", "pandas", "numpy", "pyarrow", "altair"}
    stems = {path.stem for path in (repository / "dashboards").iterdir() if path.suffix == ".py"}
    folders = {
        path.name
        for path in (repository / "dashboards").iterdir()
        if path.is_dir() and path.name != "__pycache__"
    }
    assert not (stems | folders) & taken


def test_pages_do_not_live_where_streamlit_would_discover_them_by_itself(repository: Path) -> None:
    assert not (repository / "dashboards" / "pages").exists()


def test_tests_are_no_package_so_that_no_installed_tests_package_is_taken_for_them(repository: Path) -> None:
    assert not list((repository / "tests").rglob("__init__.py"))


def test_no_module_is_a_drawer_without_a_subject(repository: Path) -> None:
    drawers = {"utils", "util", "helpers", "helper", "common", "misc"}
    found = [
        path.relative_to(repository)
        for name in PACKAGES
        for path in (repository / name).rglob("*.py")
        if path.stem in drawers
    ]
    assert not found
