"""Windows and freezes in the settings: what YAML would misread is refused."""

from __future__ import annotations

from datetime import time
from pathlib import Path

import pytest

from models.vocabulary.errors import UsageError
from service.setting_sources import load_settings
from service.settings import Settings


def read(folder: Path, text: str) -> Settings:
    path = folder / "millicore.yaml"
    path.write_text(text)
    return load_settings(path, environment={}, home=folder)


def test_nothing_may_be_applied_by_default(tmp_path: Path) -> None:
    settings = read(tmp_path, "risk_class: safe\n")
    assert settings.apply_enabled is False
    assert settings.maintenance_windows == ()


def test_a_window_is_read_with_its_zone(tmp_path: Path) -> None:
    fields = 'namespace: "shop-*", days: [tue], opens: "22:00", closes: "02:00", zone: Europe/Berlin'
    text = f"maintenance_windows:\n- {{{fields}}}\n"
    (window,) = read(tmp_path, text).maintenance_windows
    assert (window.opens, window.closes, window.zone, window.cluster) == (
        time(22),
        time(2),
        "Europe/Berlin",
        "*",
    )


@pytest.mark.parametrize(
    "line",
    [
        'opens: 22:00, closes: "02:00"',
        'opens: "22:00+01:00", closes: "02:00"',
        'opens: "25:00", closes: "02:00"',
        'opens: "22:00"',
        'opens: "22:00", closes: "02:00", zone: Berlin',
        'opens: "22:00", closes: "02:00", days: [tuesday]',
    ],
)
def test_what_is_no_time_of_day_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(UsageError, match="maintenance_windows"):
        read(tmp_path, f"maintenance_windows:\n- {{{line}}}\n")


def test_a_freeze_needs_a_zone_and_a_reason(tmp_path: Path) -> None:
    good = "{start: 2026-11-27T00:00:00Z, end: 2026-12-01T00:00:00Z, reason: sale}"
    (freeze,) = read(tmp_path, f"change_freezes:\n- {good}\n").change_freezes
    assert freeze.reason == "sale"
    for bad in (
        good.replace(", reason: sale", ""),
        good.replace("2026-11-27T00:00:00Z", '"2026-11-27T00:00:00"'),
    ):
        with pytest.raises(UsageError, match="change_freezes"):
            read(tmp_path, f"change_freezes:\n- {bad}\n")
