"""One team, many spellings: names compared without case and separators, and a dated table of other names."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import pairwise

from models.ownership.cycles import check_no_cycle
from models.ownership.rules import END_OF_TIME
from models.vocabulary.errors import InputError

_SEPARATORS = re.compile(r"[-_.\s/]+")
_CAMEL_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@lru_cache(maxsize=65_536)
def normal_form(name: str) -> str:
    """Return a name in small letters with single hyphens: ``Team_Pay``, ``team.pay`` become ``team-pay``.

    Separators are made equal, not removed: ``pay-11`` and ``pay1-1`` stay two names.
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    return _SEPARATORS.sub("-", folded).strip("-")


@lru_cache(maxsize=65_536)
def split_form(name: str) -> str:
    """Return the normal form with the humps of ``PaymentApi`` as words of their own: ``payment-api``."""
    return normal_form(_CAMEL_HUMP.sub("-", unicodedata.normalize("NFKC", name)))


@dataclass(frozen=True)
class NameAlias:
    """Another name of a team, for a time. The fields are the columns of a names file.

    Parameters
    ----------
    alias, team : str
        The alias is met up to case and separators; ``team`` is written as it stands.
    valid_from, valid_to : datetime
        Half-open; ``valid_to`` None means until further notice.
    source_file, source_row
        Where it was read, for messages only.
    """

    alias: str
    team: str
    valid_from: datetime
    valid_to: datetime | None = None
    source_file: str | None = field(default=None, compare=False)
    source_row: int | None = field(default=None, compare=False)

    @property
    def ends_at(self) -> datetime:
        """``valid_to``, or the end of time."""
        return self.valid_to or END_OF_TIME

    def holds_at(self, moment: datetime) -> bool:
        """Whether the alias holds at the instant."""
        return self.valid_from <= moment < self.ends_at


@dataclass(frozen=True, order=True)
class KnownTeam:
    """A spelling that counts from an instant on; of two, the one of lower ``rank``, then by text."""

    rank: int
    name: str
    since: datetime


def check_aliases(aliases: Sequence[NameAlias]) -> None:
    """Refuse an alias that means two teams at one time, and aliases that lead back to themselves.

    Raises
    ------
    InputError
        Naming file, rows, and for a loop every name of it.
    """
    by_alias: dict[str, list[NameAlias]] = defaultdict(list)
    for row in aliases:
        _check_row(row)
        by_alias[normal_form(row.alias)].append(row)
    for rows in by_alias.values():
        _check_one_meaning(sorted(rows, key=lambda row: row.valid_from))
    for moment in sorted({row.valid_from for row in aliases}):
        held = [row for row in aliases if row.holds_at(moment)]
        edges = {normal_form(row.alias): [normal_form(row.team)] for row in held if not _is_spelling(row)}
        file = next((row.source_file for row in held if row.source_file), None)
        check_no_cycle(edges, "aliases of teams lead back to themselves", field="team", file=file)


def _check_row(row: NameAlias) -> None:
    problems = (
        ("alias", row.alias, bool(normal_form(row.alias)), "is missing"),
        ("team", row.team, bool(normal_form(row.team)), "is missing"),
        ("valid_to", row.valid_to, row.valid_from < row.ends_at, "is not after valid_from"),
    )
    for name, value, is_right, reason in problems:
        if not is_right:
            raise InputError(reason, file=row.source_file, row=row.source_row, field=name, value=value)


def _check_one_meaning(rows: Sequence[NameAlias]) -> None:
    for before, after in pairwise(rows):
        if after.valid_from < before.ends_at and after.team != before.team:
            earlier = f"row {before.source_row}" if before.source_row else "another row"
            raise InputError(
                f"means {after.team} here and {before.team} in {earlier} at the same time: end one of them",
                file=after.source_file,
                row=after.source_row,
                field="alias",
                value=after.alias,
            )


def _is_spelling(row: NameAlias) -> bool:
    return normal_form(row.alias) == normal_form(row.team)


class TeamNames:
    """Finds the one name of a team.

    Parameters
    ----------
    aliases : iterable of NameAlias
    known : iterable of KnownTeam
        Spellings of rules and of the CMDB: a label that differs from one in case and separators only
        takes it over.
    """

    def __init__(self, aliases: Iterable[NameAlias] = (), known: Iterable[KnownTeam] = ()) -> None:
        self.aliases = tuple(aliases)
        check_aliases(self.aliases)
        self._by_alias: dict[str, list[NameAlias]] = defaultdict(list)
        for row in self.aliases:
            self._by_alias[normal_form(row.alias)].append(row)
        self._known: dict[str, list[KnownTeam]] = defaultdict(list)
        for team in sorted(known):
            self._known[normal_form(team.name)].append(team)

    def canonical(self, name: str, moment: datetime) -> str:
        """Return what the team is called at the instant; an unknown name stays as it is."""
        form = normal_form(name)
        for _ in range(len(self.aliases) + 1):
            row = next((row for row in self._by_alias.get(form, ()) if row.holds_at(moment)), None)
            if row is None or row.team == name:
                break
            name, is_final = row.team, _is_spelling(row)
            form = normal_form(name)
            if is_final:
                return name
        if any(row.team == name and row.holds_at(moment) for row in self.aliases):
            return name
        return next((team.name for team in self._known.get(form, ()) if team.since <= moment), name)

    def changes(self) -> set[datetime]:
        """Return every instant at which a name begins or ceases to count."""
        edges = {edge for row in self.aliases for edge in (row.valid_from, row.ends_at)}
        return edges | {team.since for teams in self._known.values() for team in teams}

    def content_between(self, start: datetime, end: datetime) -> tuple[str, ...]:
        """Return as texts what may change a name in ``[start, end)``, in order; empty without aliases."""
        aliases = (
            f"{normal_form(row.alias)}={row.team}@{max(row.valid_from, start)}-{min(row.ends_at, end)}"
            for row in self.aliases
            if row.valid_from < end and start < row.ends_at
        )
        known = (
            f"{team.rank}:{team.name}@{max(team.since, start)}"
            for teams in self._known.values()
            for team in teams
            if team.since < end
        )
        return (*sorted(aliases), *sorted(known))
