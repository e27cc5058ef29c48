"""Suggestions as database rows and back."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import msgspec

from models.vocabulary.identity import ContainerKey, WorkloadKey
from models.vocabulary.money import MICRO
from models.vocabulary.recommendation import (
    NoRecommendation,
    Recommendation,
    ResourceValues,
    SilenceReason,
    StatedRisk,
)
from models.vocabulary.suggestion_life import RecommendationState, RejectionReason
from warehouse.database.life_agreed import agreed_fields, etag_of

KEY_COLUMNS = ("cluster", "namespace", "workload_kind", "workload_name", "container")
_WORKLOAD_COLUMNS = (
    ("cluster", "cluster"),
    ("namespace", "namespace"),
    ("kind", "workload_kind"),
    ("name", "workload_name"),
)
_ID_SPACE = uuid.uuid5(uuid.NAMESPACE_URL, "millicore:suggestion")


@dataclass(frozen=True)
class RecommendationRun:
    """Everything that one run of a policy said about some clusters.

    Parameters
    ----------
    policy : str
    as_of : datetime
        Data up to then was used.
    clusters : tuple of str
        What the run covered: only proposals of these clusters are superseded or expire.
    recommendations : tuple of Recommendation
    silences : tuple of NoRecommendation
        With the recommendations, one entry per container.
    teams : mapping of WorkloadKey to str
        Owner of each workload; absent means unowned.
    """

    policy: str
    as_of: datetime
    clusters: tuple[str, ...]
    recommendations: tuple[Recommendation, ...]
    silences: tuple[NoRecommendation, ...]
    teams: Mapping[WorkloadKey, str | None]


@dataclass(frozen=True)
class StoredRecommendation:
    """A suggestion with its id, state and owner. ``etag`` must be quoted when it is decided.

    ``agreed`` are the owner's edited values, None when the advice was taken as it is; its risk and its
    saving stand beside it. ``state_since`` is when the suggestion came into its state, ``applied_from`` the
    first hour in which the cluster ran with the wanted values.
    """

    id: str
    etag: str
    state: RecommendationState
    team: str | None
    snoozed_until: datetime | None
    recommendation: Recommendation
    agreed: ResourceValues | None = None
    agreed_risk: StatedRisk | None = None
    agreed_saving_per_month: Decimal | None = None
    state_since: datetime | None = None
    applied_from: datetime | None = None
    verified_saving_per_month: Decimal | None = None
    verified_currency: str | None = None

    @property
    def wanted(self) -> ResourceValues:
        """The values that the cluster is meant to run with: as agreed, else as advised."""
        return self.agreed or self.recommendation.advised


@dataclass(frozen=True)
class RecommendationEvent:
    """One step in the life of a suggestion. ``sequence`` counts from 1 per suggestion."""

    recommendation_id: str
    sequence: int
    state: RecommendationState
    principal: str
    occurred_at: datetime
    content_hash: str
    reason: RejectionReason | str | None
    until: datetime | None
    note: str | None
    evidence: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class StoredSilence:
    """Why a container gets no suggestion, and whose it is."""

    silence: NoRecommendation
    team: str | None


def key_values(key: ContainerKey) -> dict[str, str]:
    """Return the columns that identify a container."""
    workload = key.workload
    return {
        "cluster": workload.cluster,
        "namespace": workload.namespace,
        "workload_kind": workload.kind,
        "workload_name": workload.name,
        "container": key.container,
    }


def key_of(row: Mapping[Any, Any]) -> ContainerKey:
    """Return the container that a row is about."""
    workload = WorkloadKey(row["cluster"], row["namespace"], row["workload_kind"], row["workload_name"])
    return ContainerKey(workload, row["container"])


def suggestion_id(recommendation: Recommendation, earlier_count: int) -> str:
    """Return the id of a suggestion: the same advice for the same container has the same one everywhere.

    Parameters
    ----------
    recommendation : Recommendation
    earlier_count : int
        How often the same advice was proposed before and is over; each proposal has a life of its own.
    """
    named = [recommendation.policy, *key_values(recommendation.key).values()]
    return str(uuid.uuid5(_ID_SPACE, json.dumps([*named, recommendation.content_hash(), earlier_count])))


def to_values(recommendation: Recommendation, team: str | None) -> dict[str, Any]:
    """Return the columns of a new row, proposed; its id is given when it is stored."""
    return {
        **key_values(recommendation.key),
        "state": RecommendationState.PROPOSED.value,
        "snoozed_until": None,
        "content_hash": recommendation.content_hash(),
        **evidence_values(recommendation, team),
    }


def evidence_values(recommendation: Recommendation, team: str | None) -> dict[str, Any]:
    """Return the columns that a later run may refresh while the advice itself stays the same."""
    saving = recommendation.requested_saving_per_month
    return {
        "team": team,
        "policy": recommendation.policy,
        "risk_class": recommendation.risk_class,
        "as_of": recommendation.as_of,
        "requested_saving_per_month": None if saving is None else saving.quantize(MICRO, ROUND_HALF_EVEN),
        "currency": recommendation.currency,
        "content": _to_document(recommendation),
    }


def _to_document(recommendation: Recommendation) -> dict[str, Any]:
    # twenty times as fast as dataclasses.asdict, which copies deeply; a run stores tens of thousands
    content: dict[str, Any] = msgspec.to_builtins(recommendation)
    del content["key"]
    return content


def from_row(row: Mapping[Any, Any]) -> StoredRecommendation:
    """Return the suggestion of a row."""
    key = {
        "workload": {name: row[column] for name, column in _WORKLOAD_COLUMNS},
        "container": row["container"],
    }
    # fields that an older version did not write take their defaults
    recommendation = msgspec.convert({**row["content"], "key": key}, Recommendation)
    return StoredRecommendation(
        id=row["id"],
        etag=etag_of(row),
        state=RecommendationState(row["state"]),
        team=row["team"],
        snoozed_until=row["snoozed_until"],
        recommendation=recommendation,
        state_since=row["state_since"],
        applied_from=row["applied_from"],
        verified_saving_per_month=row["verified_saving_per_month"],
        verified_currency=row["verified_currency"],
        **agreed_fields(row["agreed"]),
    )


def event_from_row(row: Mapping[str, Any]) -> RecommendationEvent:
    """Return the event of a row."""
    state = RecommendationState(row["state"])
    reason = row["reason"]
    if state is RecommendationState.REJECTED and reason is not None:
        reason = RejectionReason(reason)
    return RecommendationEvent(**{**row, "state": state, "reason": reason})


def silence_values(silence: NoRecommendation, team: str | None) -> dict[str, Any]:
    """Return the row of a silence."""
    return {
        **key_values(silence.key),
        "policy": silence.policy,
        "team": team,
        "reason": silence.reason.value,
        "sentence": silence.sentence,
        "as_of": silence.as_of,
    }


def silence_from_row(row: Mapping[str, Any]) -> StoredSilence:
    """Return the silence of a row."""
    silence = NoRecommendation(
        key=key_of(row),
        policy=row["policy"],
        as_of=row["as_of"],
        reason=SilenceReason(row["reason"]),
        sentence=row["sentence"],
    )
    return StoredSilence(silence, row["team"])
