"""The reference pages say what the code says."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
import typer

from service.cli.app import app
from service.reference import command_paths, commands_page, settings_page
from service.setting_parts import ClusterSettings, PrometheusConnection, RequestMetricRule, RiskClassRule
from service.settings import Settings

STALE = "run `make docs`: the page does not match the code any more"


def test_the_settings_page_is_what_the_settings_table_says(repository: Path) -> None:
    assert (repository / "docs" / "settings.md").read_text(encoding="utf-8") == settings_page(), STALE


def test_the_commands_page_is_what_the_commands_say(repository: Path) -> None:
    assert (repository / "docs" / "cli.md").read_text(encoding="utf-8") == commands_page(app), STALE


@pytest.mark.parametrize(
    "model", [Settings, ClusterSettings, PrometheusConnection, RiskClassRule, RequestMetricRule]
)
def test_every_setting_has_a_help_text_that_is_a_sentence(model: type[Settings]) -> None:
    for name, field in model.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name


@pytest.mark.parametrize("path", command_paths(app), ids=" ".join)
def test_every_command_has_help_and_an_example_that_names_it(path: list[str]) -> None:
    infos = {tuple(words): callback for words, callback in _callbacks()}
    help_text, epilog = infos[tuple(path)]
    assert help_text
    assert inspect.cleandoc(help_text).split("\n")[0].endswith(".")
    assert epilog.startswith(f"Example: millicore {' '.join(path)}")


def _callbacks(
    group: typer.Typer = app, before: tuple[str, ...] = ()
) -> list[tuple[list[str], tuple[str, str]]]:
    """Return the words of every command with its help and epilog, groups in groups included."""
    found = [
        ([*before, str(info.name)], (info.help or "", info.epilog or ""))
        for info in group.registered_commands
    ]
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        found += _callbacks(inner.typer_instance, (*before, str(inner.name)))
    return found
