"""Which application comes next, and the pilot: the ranking of the programme in words."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from models.initiatives.priorities import PilotRules, RankedCandidate
from models.vocabulary.errors import Forbidden, NotFound
from models.vocabulary.identity import Principal
from service.boards.formats import headline_money, percent
from service.boards.texts import say
from service.runtime import Runtime
from service.usecases.initiatives_candidates import CandidateList, choose_pilot, list_candidates


@dataclass(frozen=True)
class CandidateRow:
    """One application. ``cost_ratio`` and ``confidence_ratio`` are plain ratios, the saving is per month."""

    rank: int
    name: str
    score: float
    wave: int
    cost_ratio: float
    difficulty_ratio: float
    saving: Decimal
    confidence_ratio: float
    is_core: bool
    is_pilot: bool


@dataclass(frozen=True)
class CandidateBoard:
    """The ranking with the pilot in words; ``note`` says why there is none, empty where there is one."""

    rows: tuple[CandidateRow, ...]
    currency: str
    pilot: str
    weights: str
    note: str


def read_candidates(runtime: Runtime, principal: Principal) -> CandidateBoard:
    """Return the applications by score; for those who do not see all teams why they see none.

    Raises
    ------
    StorageError
        If the warehouse cannot be read.
    """
    try:
        found = list_candidates(runtime, principal)
    except Forbidden:
        return CandidateBoard((), "", "", "", say("programme.candidates_hidden"))
    if not found.ranked:
        note = say("programme.candidates_none", currency=found.currency)
        return CandidateBoard((), found.currency, "", "", note)
    rules = PilotRules()
    try:
        pilot = choose_pilot(runtime, principal, rules)
    except NotFound as problem:
        return build_candidates(found, None, say("programme.pilot_none", reason=problem))
    return build_candidates(found, pilot.candidate.name, pilot_text(pilot, rules, found.currency))


def build_candidates(found: CandidateList, pilot: str | None, text: str) -> CandidateBoard:
    """Return the rows of a ranking, the pilot marked."""
    rows = tuple(
        CandidateRow(
            rank=rank,
            name=one.candidate.name,
            score=one.score,
            wave=one.wave,
            cost_ratio=one.candidate.cost_ratio,
            difficulty_ratio=one.candidate.difficulty_ratio,
            saving=one.candidate.expected_saving,
            confidence_ratio=one.candidate.confidence_ratio,
            is_core=one.candidate.is_core,
            is_pilot=one.candidate.name == pilot,
        )
        for rank, one in enumerate(found.ranked, start=1)
    )
    return CandidateBoard(rows, found.currency, text, _weights_text(found), "")


def pilot_text(pilot: RankedCandidate, rules: PilotRules, currency: str) -> str:
    """Return which application is the pilot and why."""
    one = pilot.candidate
    return say(
        "programme.pilot",
        name=one.name,
        score=f"{pilot.score:.2f}",
        cost=percent(one.cost_ratio),
        saving=headline_money(one.expected_saving, currency),
        shape=one.workload_class or say("programme.shape_unknown"),
        lower=percent(rules.cost_ratio_min, digits=0),
        upper=percent(rules.cost_ratio_max, digits=0),
    )


def _weights_text(found: CandidateList) -> str:
    weights = found.weights
    version = (
        say("programme.weights_version", version=found.weights_version)
        if found.weights_version
        else say("programme.weights_default")
    )
    return say(
        "programme.weights",
        cost=f"{weights.cost_share:g}",
        ease=f"{weights.ease:g}",
        saving=f"{weights.expected_saving:g}",
        core=f"{weights.non_core:g}",
        version=version,
    )
