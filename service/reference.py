"""The reference pages of docs/, written from the code: settings, commands, columns of chargeback files."""

from __future__ import annotations

import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from service.setting_parts import (
    ChangeFreeze,
    ClusterSettings,
    MaintenanceWindow,
    PrometheusConnection,
    RequestMetricRule,
    RiskClassRule,
)
from service.setting_sources import SECRET_NAMES
from service.settings import ENV_PREFIX, Settings

_DERIVED = frozenset({"config_file"})


def settings_page() -> str:
    """Return docs/settings.md."""
    parts = [
        "# Settings",
        "",
        "Layers, later ones win: default, YAML file, environment variable, flag of a command. The file is",
        "`--config`, else `MILLICORE_CONFIG`, else `<home>/millicore.yaml`, else `./millicore.yaml`.",
        "An unknown key or a wrong value is refused with its name and place. Lists and mappings in the",
        "environment are JSON.",
        "",
        "A setting marked *secret* can also be given as `<name>_file` (variable `..._FILE`): a path whose",
        "content is the value. Secrets never appear in logs or in the printed settings.",
        "",
        "Without any cluster configured, OpenCost's variables `PROMETHEUS_SERVER_ENDPOINT` and `CLUSTER_ID`",
        "(default `default`) make one.",
        "",
        "| name | environment | default | unit | what it does |",
        "|---|---|---|---|---|",
        *_rows(Settings, with_environment=True),
        *_section("Each of `clusters`", ClusterSettings),
        *_section("`prometheus` of a cluster", PrometheusConnection),
        *_section("Each of `risk_class_rules`", RiskClassRule),
        *_section("Each of `request_metrics`", RequestMetricRule),
        *_section("Each of `maintenance_windows`", MaintenanceWindow),
        *_section("Each of `change_freezes`", ChangeFreeze),
    ]
    return "\n".join(parts) + "\n"


def _section(title: str, model: type[BaseModel]) -> list[str]:
    head = ["", f"## {title}", "", "| name | default | unit | what it does |", "|---|---|---|---|"]
    return [*head, *_rows(model, with_environment=False)]


def _rows(model: type[BaseModel], *, with_environment: bool) -> Iterator[str]:
    for name, field in model.model_fields.items():
        if name in _DERIVED:
            continue
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        secret = " *secret*" if _is_secret(field) or name in SECRET_NAMES else ""
        cells = [
            f"`{name}`",
            _default_text(field),
            str(extra.get("unit", "")) or " ",
            f"{field.description}{secret}",
        ]
        if with_environment:
            cells.insert(1, f"`{ENV_PREFIX}{name.upper()}`")
        yield f"| {' | '.join(cells)} |"


def _is_secret(field: FieldInfo) -> bool:
    return SecretStr in _flat(field.annotation)


def _flat(annotation: Any) -> list[Any]:
    return [annotation, *(inner for part in typing.get_args(annotation) for inner in _flat(part))]


def _default_text(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is PydanticUndefined:
        return "required"
    if value is None or value in ((), {}):
        return "none"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def commands_page(app: typer.Typer) -> str:
    """Return docs/cli.md: every command with its help, as ``--help`` prints it."""
    from typer.testing import CliRunner

    runner = CliRunner()
    parts = [
        "# Commands",
        "",
        "Data goes to stdout, logs and notes to stderr. `--output table|json|csv` chooses the format: JSON",
        "of a list is a bare list, amounts are decimals as text beside their currency, instants are RFC 3339",
        "in UTC. `millicore version --output json` prints the version of this contract (`output_contract`).",
        "",
        "| exit code | meaning |",
        "|---|---|",
        "| 0 | done |",
        "| 1 | error: the message says what, where and what to do |",
        "| 2 | wrong usage or setting |",
        "| 3 | done, but data behind the answer is missing or assumed; notes on stderr say which |",
        "| 130 | interrupted |",
    ]
    for path in command_paths(app):
        answer = runner.invoke(
            app, [*path, "--help"], prog_name="millicore", env={"COLUMNS": "100", "TERMINAL_WIDTH": "100"}
        )
        parts += ["", f"## millicore {' '.join(path)}".rstrip(), "", "```", answer.stdout.strip(), "```"]
    return "\n".join(line.rstrip() for line in "\n".join(parts).splitlines()) + "\n"


def command_paths(app: typer.Typer) -> list[list[str]]:
    """Return the words of every command, groups' commands below their group."""
    paths = [[str(info.name)] for info in app.registered_commands]
    for group in app.registered_groups:
        if group.typer_instance is not None:
            paths += [[str(group.name), *rest] for rest in command_paths(group.typer_instance)]
    return sorted(paths)


def write_pages(folder: Path) -> None:
    """Write the pages into a folder."""
    from service.cli.app import app
    from service.exports.columns_page import columns_page

    (folder / "chargeback_columns.md").write_text(columns_page(), encoding="utf-8")
    (folder / "settings.md").write_text(settings_page(), encoding="utf-8")
    (folder / "cli.md").write_text(commands_page(app), encoding="utf-8")


if __name__ == "__main__":
    write_pages(Path(sys.argv[1]))
