from __future__ import annotations

import sys
import tomllib
from pathlib import Path

from service.http.application import _SAFETY_OPTIONS


def test_what_matters_for_safety_is_set_in_the_file_and_enforced_in_code(repository: Path) -> None:
    with (repository / "dashboards" / ".streamlit" / "config.toml").open("rb") as file:
        config = tomllib.load(file)
    assert config["client"]["showErrorDetails"] == "none"
    assert config["client"]["disableDataExport"] is True
    assert config["browser"]["gatherUsageStats"] is False
    assert config["server"]["fileWatcherType"] == "none"
    for name, value in _SAFETY_OPTIONS.items():
        section, key = name.split(".")
        assert config.get(section, {}).get(key, value) == value, name


def test_the_theme_loads_nothing_from_elsewhere(repository: Path) -> None:
    folder = repository / "dashboards"
    for file in (folder / ".streamlit" / "config.toml", folder / "assets" / "boards.css"):
        text = file.read_text(encoding="utf-8")
        assert "http://" not in text, file
        assert "https://" not in text, file
        assert "@import" not in text


def test_no_file_of_the_boards_shadows_a_package_and_no_folder_is_called_pages(repository: Path) -> None:
    folder = repository / "dashboards"
    names = {file.stem for file in folder.glob("*.py")} | {
        path.name for path in folder.iterdir() if path.is_dir()
    }
    assert "pages" not in names
    assert not names & (sys.stdlib_module_names - {"__init__"})


def test_no_board_calls_streamlits_markdown(repository: Path) -> None:
    for file in (repository / "dashboards").rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        for call in ("st.markdown(", "st.write(", "unsafe_allow", "download_button"):
            assert call not in text, f"{file.name} calls {call}"


def test_only_one_module_of_the_boards_makes_html(repository: Path) -> None:
    users = [
        file.name
        for file in (repository / "dashboards").rglob("*.py")
        if "st.html(" in file.read_text(encoding="utf-8")
    ]
    assert users == ["html.py"]
