"""Values that an owner edits before accepting: read, checked, and their risk stated anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from models.vocabulary.errors import InputError
from models.vocabulary.identity import ContainerKey
from models.vocabulary.quantity import format_cpu, format_memory, parse_quantity
from models.vocabulary.recommendation import ResourceValues, StatedRisk
from recommender.advice_basis import oom_floor
from recommender.constraints_limit_range import CONTAINER, find_refusals
from recommender.risk import state_risk
from recommender.savings import requested_saving
from recommender.subject import Subject, UnitPrices
from service.runtime import Runtime
from service.usecases.profiles import profile_history, read_history
from service.usecases.risk_classes import policy_settings
from service.usecases.unit_prices import read_unit_prices
from service.usecases.workload_constraints import read_rules
from warehouse.database.recommendations import Agreement, StoredRecommendation

VALUE_NAMES = ("cpu_request_cores", "cpu_limit_cores", "memory_request_bytes", "memory_limit_bytes")
UNSET = "none"
"""Written instead of a quantity, it takes a limit or request away."""

_SMALLEST = {"cpu": 0.001, "memory": float(4 << 20)}
"""Below it a container cannot start: memory without its unit (``512`` for ``512Mi``) kills it."""
_LARGEST = {"cpu": 1_000.0, "memory": float(1 << 45)}
"""Above it no node exists: cores meant as millicores (``2500`` for ``2500m``) would never be scheduled."""


@dataclass(frozen=True)
class Edits:
    """What an owner wants instead of the advised values: by field, None takes it away."""

    values: Mapping[str, float | None]

    def applied_to(self, advised: ResourceValues) -> ResourceValues:
        """Return the advised values with the edits."""
        return replace(advised, **self.values)


def parse_edits(texts: Mapping[str, str | None]) -> Edits | None:
    """Return edits from quantities like ``250m`` and ``512Mi`` by field name; None when there are none.

    Raises
    ------
    InputError
        If one is no quantity, not above zero, or beyond what a container can start with and a node can hold.
    """
    found: dict[str, float | None] = {}
    for name, text in texts.items():
        if text is not None:
            found[name] = None if text.strip().lower() == UNSET else _parse(name, text)
    return Edits(found) if found else None


def agree_on(
    runtime: Runtime, stored: StoredRecommendation, edits: Edits, *, is_signed: bool = False
) -> Agreement:
    """Check edited values, and state their risk and saving from the container's own past.

    Parameters
    ----------
    runtime : Runtime
    stored : StoredRecommendation
    edits : Edits
    is_signed : bool
        The owner takes responsibility for memory under the OOM floor.

    Raises
    ------
    InputError
        If a request is above its limit, the namespace's LimitRange would refuse the values, or memory is
        under the OOM floor and nobody signs for it.
    """
    advice = stored.recommendation
    values = edits.applied_to(advice.advised)
    _check_order(values, "cpu")
    _check_order(values, "memory")
    _check_limit_range(runtime, stored, values)
    prices = _prices(runtime, stored)
    subject = read_subject(runtime, advice.key, prices)
    if subject is not None:
        _check_floor(runtime, subject, values, is_signed=is_signed)
    saving = requested_saving(advice.current, values, advice.replica_count_mean, prices)
    return Agreement(
        values=values,
        risk=None if subject is None else _state_risk(subject, values),
        requested_saving_per_month=saving,
        is_signed=is_signed,
    )


def read_subject(runtime: Runtime, key: ContainerKey, prices: UnitPrices) -> Subject | None:
    """Return one container with its profile and past up to now; None when nothing of it is stored."""
    cluster = key.workload.cluster
    history = read_history(runtime, cluster, runtime.now())
    if history is None:
        return None
    only = replace(
        history,
        summaries=_of_container(history.summaries, key),
        histograms=_of_container(history.histograms, key),
    )
    if not only.summaries.num_rows:
        return None
    found = profile_history(runtime, cluster, only)
    pairs = zip(found.profiles, found.evidence, strict=True)
    return next((Subject(one, past, prices=prices) for one, past in pairs if one.key == key), None)


def _state_risk(subject: Subject, values: ResourceValues) -> StatedRisk | None:
    """Return the risk on the container's own past, None where neither CPU nor memory was measured."""
    risk = state_risk(subject, values)
    return risk if risk.sample_count or risk.day_count else None


def _of_container(table: pa.Table, key: ContainerKey) -> pa.Table:
    workload = key.workload
    wanted = {
        "namespace": workload.namespace,
        "workload_kind": workload.kind,
        "workload_name": workload.name,
        "container": key.container,
    }
    for name, value in wanted.items():
        table = table.filter(pc.equal(table.column(name).cast(pa.string()), value))
    return table


def _parse(name: str, text: str) -> float:
    resource = name.partition("_")[0]
    value = float(parse_quantity(text, field=name))
    if value <= 0:
        raise InputError("must be above zero; write none to take it away", field=name, value=text)
    if not _SMALLEST[resource] <= value <= _LARGEST[resource]:
        say = format_cpu if resource == "cpu" else format_memory
        raise InputError(
            f"is not from {say(_SMALLEST[resource])} to {say(_LARGEST[resource])}: is the unit right?",
            field=name,
            value=text,
        )
    return value


def _check_order(values: ResourceValues, resource: str) -> None:
    unit = "cores" if resource == "cpu" else "bytes"
    request = getattr(values, f"{resource}_request_{unit}")
    limit = getattr(values, f"{resource}_limit_{unit}")
    if request is not None and limit is not None and request > limit:
        say = format_cpu if resource == "cpu" else format_memory
        raise InputError(
            f"is above the limit {say(limit)}: edit both", field=f"{resource} request", value=say(request)
        )


def _check_limit_range(runtime: Runtime, stored: StoredRecommendation, values: ResourceValues) -> None:
    workload = stored.recommendation.key.workload
    rules = read_rules(runtime, workload.cluster, runtime.now()).limit_rules.get(workload.namespace, ())
    refusals = find_refusals(values, [rule for rule in rules if rule.scope == CONTAINER], ())
    if refusals:
        raise InputError(f"would be refused: {'; '.join(refusals)}", field="edited values")


def _check_floor(runtime: Runtime, subject: Subject, values: ResourceValues, *, is_signed: bool) -> None:
    floor = oom_floor(subject, policy_settings(runtime))
    memory = values.memory_limit_bytes
    if floor is None or memory is None or memory >= floor or is_signed:
        return
    raise InputError(
        f"is under {format_memory(floor)}, what it needs since it was OOM-killed: raise it, or sign for it",
        field="memory limit",
        value=format_memory(memory),
    )


def _prices(runtime: Runtime, stored: StoredRecommendation) -> UnitPrices:
    workload = stored.recommendation.key.workload
    found = read_unit_prices(runtime, workload.cluster, stored.recommendation.as_of).get(workload)
    if found is None or found.currency != stored.recommendation.currency:
        return UnitPrices()
    return found
