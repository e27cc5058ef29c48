"""The command ``millicore``: every group of commands, and the console script's entry point."""

from __future__ import annotations

import sys
from importlib.metadata import version as distribution_version

import typer

from service.cli import (
    access_commands,
    backtest_commands,
    bill_commands,
    chargeback_commands,
    compare_commands,
    decision_commands,
    dispute_commands,
    event_commands,
    first_steps_commands,
    forecast_commands,
    ingest_commands,
    initiative_commands,
    journal_commands,
    life_commands,
    load_commands,
    model_commands,
    ownership_commands,
    patch_commands,
    plan_commands,
    price_commands,
    profile_commands,
    programme_commands,
    rate_commands,
    recommend_commands,
    replica_commands,
    run_commands,
    statement_commands,
)
from service.cli.commands import command
from service.cli.interrupts import hand_on_swallowed_interrupts
from service.cli.session import Session

OUTPUT_CONTRACT = 1
"""Version of the JSON that commands write (docs/cli.md); grows when a field is renamed or removed."""

app = typer.Typer(
    name="millicore",
    help="Cost, right-sizing, oversell and chargeback of Kubernetes clusters, from your own warehouse.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for group in (
    first_steps_commands,
    ingest_commands,
    price_commands,
    model_commands,
    backtest_commands,
    forecast_commands,
    event_commands,
    profile_commands,
    recommend_commands,
    decision_commands,
    life_commands,
    patch_commands,
    replica_commands,
    load_commands,
    chargeback_commands,
    statement_commands,
    bill_commands,
    rate_commands,
    journal_commands,
    dispute_commands,
    compare_commands,
    plan_commands,
    initiative_commands,
    programme_commands,
    ownership_commands,
    run_commands,
    access_commands,
):
    group.register(app)


@command(app, "version", example="millicore version --output json")
def version(session: Session) -> None:
    """Print the version of Millicore and of the JSON that its commands write."""
    installed = distribution_version("millicore")
    session.document({"version": installed, "output_contract": OUTPUT_CONTRACT}, f"millicore {installed}")


def main() -> None:
    """Run the command line and exit with its code."""
    hand_on_swallowed_interrupts()
    app(prog_name="millicore", args=sys.argv[1:])
