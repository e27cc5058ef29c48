"""The demo: a simulated company taken the whole way, in a home folder of its own, the same every time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

from models.vocabulary.errors import Conflict, LakeInconsistent
from models.vocabulary.identity import Principal
from models.vocabulary.money import Money
from models.vocabulary.suggestion_life import RecommendationState
from service.boards.leadership import LeadershipBoard, read_leadership
from service.exports.charge_file import file_name
from service.progress import Progress
from service.runtime import Runtime
from service.setting_sources import load_settings
from service.settings import CONFIG_FILE_NAME, Settings
from service.usecases.allocation import allocate
from service.usecases.anomalies import find_anomalies
from service.usecases.bills import import_bills, import_rules
from service.usecases.chargeback_check import verify
from service.usecases.chargeback_export import export_chargeback
from service.usecases.forecast_usage import forecast_usage
from service.usecases.forecasts import forecast_costs
from service.usecases.ingest_files import InputFiles, ingest_files
from service.usecases.oversell import list_oversell, plan_oversell
from service.usecases.profiles import build_histograms
from service.usecases.recommendations import list_recommendations, recommend_all
from service.usecases.reconciliation import reconcile
from service.usecases.simulate import SimulationSummary, simulate
from warehouse.database.recommendations import StoredRecommendation
from warehouse.observed import WindowState

SCENARIO = "demo"
SEED = 1
END = datetime(2026, 11, 21, tzinfo=UTC)
"""End of the scenario, and the moment that counts as now on its boards."""
LAST_MONTH = f"{END.replace(day=1) - timedelta(days=1):%Y-%m}"
HOME = Path(".millicore/demo")
TOP_SUGGESTIONS = 5


@dataclass(frozen=True)
class DemoStep:
    """One finished step: what was done, in words, and how long it took."""

    name: str
    text: str
    seconds: float


@dataclass(frozen=True)
class DemoResult:
    """What the demo ends with."""

    board: LeadershipBoard
    suggestions: tuple[StoredRecommendation, ...]
    oversell: tuple[dict[str, object], ...]
    chargeback_file: Path


def demo_settings(home: Path | None, workers: int | None) -> Settings:
    """Return the settings of the demo and write them into its home, so that ``serve --home`` finds them.

    File and environment of the user are not read: simulated data must not go where real data lives.
    """
    folder = home or HOME
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / CONFIG_FILE_NAME
    content = {"fixed_now": END.isoformat(), "reporting_currency": "USD"}
    head = "# Written by millicore demo: simulated data, seen from the moment at which it ends.\n"
    text = head + yaml.safe_dump(content)
    if file.exists() and file.read_text(encoding="utf-8") != text:
        raise Conflict(f"{file} is not the demo's; choose another folder with --home")
    file.write_text(text, encoding="utf-8")
    return load_settings(file, environment={}, home=folder, workers=workers)


def run_demo(
    runtime: Runtime, principal: Principal, progress: Progress, say: Callable[[DemoStep], None]
) -> DemoResult:
    """Simulate, ingest, allocate, advise, plan, forecast and export. Running it again changes nothing.

    Parameters
    ----------
    say : callable
        Told of each step when it is done.
    """
    demo = _Demo(runtime, principal, progress)
    for name, work in demo.steps():
        began = time.perf_counter()
        text = work()
        say(DemoStep(name, text, time.perf_counter() - began))
    proposed = list_recommendations(runtime, principal, states={RecommendationState.PROPOSED})
    return DemoResult(
        board=read_leadership(runtime, principal),
        suggestions=tuple(proposed[:TOP_SUGGESTIONS]),
        oversell=tuple(
            row for row in list_oversell(runtime, principal).to_pylist() if row["scope"] == "pool"
        ),
        chargeback_file=demo.export,
    )


@dataclass(frozen=True)
class _Demo:
    """One run: where it writes and what it shows."""

    runtime: Runtime
    principal: Principal
    progress: Progress

    @property
    def folder(self) -> Path:
        return self.runtime.settings.home / "simulated"

    @property
    def export(self) -> Path:
        return self.runtime.settings.home / "exports" / file_name(LAST_MONTH, "summary", 0)

    def steps(self) -> tuple[tuple[str, Callable[[], str]], ...]:
        """Return the steps in order: a name, and the work that says what it did."""
        return (
            ("simulate", self._simulate),
            ("ingest", self._ingest),
            ("allocate", self._allocate),
            ("bill", self._bill),
            ("profile", self._profile),
            ("recommend", self._recommend),
            ("oversell", self._oversell),
            ("forecast", self._forecast),
            ("anomalies", self._anomalies),
            ("chargeback", self._export),
        )

    def _simulate(self) -> str:
        done: SimulationSummary = simulate(SCENARIO, self.folder, seed=SEED, progress=self.progress)
        return (
            f"{len(done.clusters)} clusters ({', '.join(done.clusters)}), {done.node_count} nodes, "
            f"{done.pod_count:,} pods, {done.start:%-d %b} to {done.end:%-d %b %Y}, "
            f"{done.usage_row_count:,} usage rows"
        )

    def _ingest(self) -> str:
        given = InputFiles(
            usage=self.folder / "usage",
            nodes=self.folder / "nodes.csv",
            prices=self.folder / "prices.csv",
            ownership=self.folder / "ownership.csv",
            budgets=self.folder / "budgets.csv",
            initiatives=self.folder / "initiatives.csv",
            volumes=self.folder / "volumes.csv",
            mounts=self.folder / "mounts.csv",
            load_balancers=self.folder / "load_balancers.csv",
            network=self.folder / "network.parquet",
        )
        outcomes = ingest_files(self.runtime, given, self.progress).outcomes
        hours = sum(sum(outcome.hours.values()) for outcome in outcomes)
        partial = sum(outcome.hours.get(WindowState.PARTIAL, 0) for outcome in outcomes)
        new = sum(outcome.row_count for outcome in outcomes)
        return f"{hours:,} cluster-hours ({partial} of them partial), {new:,} new rows"

    def _allocate(self) -> str:
        report = allocate(self.runtime, progress=self.progress)
        days = sum(len(found) for found in report.days.values())
        return f"{days} cluster-days, {report.container_hours:,} container-hours"

    def _bill(self) -> str:
        import_rules(self.runtime, self.principal, self.folder / "bill_rules.csv")
        imported = import_bills(self.runtime, self.principal, [self.folder / "bill.csv"])
        lines = sum(bill.line_count for bill in imported.bills)
        found = reconcile(self.runtime, self.principal, LAST_MONTH)
        gaps = ", ".join(f"{one.cluster} {one.ratio or 0:.2%}".replace("%", " %") for one in found)
        return f"{lines:,} bill lines; gap of {LAST_MONTH} to the allocated cost: {gaps}"

    def _profile(self) -> str:
        return (
            f"{build_histograms(self.runtime, progress=self.progress).day_count} cluster-days of histograms"
        )

    def _recommend(self) -> str:
        done = recommend_all(self.runtime, progress=self.progress)
        silent = sum(done.silences.values())
        return f"{done.recommendation_count} suggestions, {silent} containers with a reason for silence"

    def _oversell(self) -> str:
        plans = plan_oversell(self.runtime, progress=self.progress).plans
        return f"{sum(table.num_rows for table in plans.values())} ratios for nodes and pools"

    def _forecast(self) -> str:
        months = forecast_costs(self.runtime, most_fits=0, progress=self.progress).forecasts
        known = [month for month in months if month.value]
        ahead = forecast_usage(self.runtime, progress=self.progress)
        hourly = sum(reason is None for one in ahead for reason in one.found.reason)
        return f"{len(known)} series to the end of the month, {hourly} of hourly use for a week"

    def _anomalies(self) -> str:
        return f"{len(find_anomalies(self.runtime).found)} costs out of their range in the last weeks"

    def _export(self) -> str:
        self.export.parent.mkdir(parents=True, exist_ok=True)
        written = export_chargeback(
            self.runtime, self.principal, LAST_MONTH, format="summary", output_file=self.export
        )
        checks = verify(self.runtime, self.principal, LAST_MONTH)
        wrong = [check.cluster for check in checks if not check.is_equal]
        if wrong:
            raise LakeInconsistent(
                f"the chargeback of {LAST_MONTH} differs from the bill in {', '.join(wrong)}"
            )
        whole = checks[-1]  # the last one is the bill of all clusters together
        total, assets = Money(whole.lines, whole.currency), Money(whole.node_bill, whole.currency)
        return (
            f"{written.line_count} lines of {LAST_MONTH}, {total}: {assets} of the clusters, the rest billed"
        )
