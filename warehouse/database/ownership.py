"""Ownership: rules that people wrote, other names of teams, and the rules that follow from CMDBs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import Connection, delete, insert, select

from models.ownership.cmdb_rules import cmdb_rules
from models.ownership.name_matches import DecidedPair, MatchDecision, NameKind, matches_of
from models.ownership.names import KnownTeam, NameAlias, check_aliases, normal_form
from models.ownership.precedence import check_rule_set
from models.ownership.rules import OwnershipRow, hash_ownership_rows
from warehouse.database.cmdb import Cmdb, read_versions
from warehouse.database.connection import Database
from warehouse.database.name_reviews import NameReviews, read_decisions
from warehouse.database.owner_tables import TEAM_ALIAS
from warehouse.database.schema import OWNERSHIP_RULE

_NOT_STORED = ("origin",)
_RANK_OF_ALIASES, _RANK_OF_CMDB, _RANK_OF_RULES = range(3)


class Ownership:
    """All that says who owns what.

    ``cmdb`` holds the entities of CMDBs, ``reviews`` the names that were matched with theirs.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.cmdb = Cmdb(database)
        self.reviews = NameReviews(database)

    def replace(self, rows: Sequence[OwnershipRow]) -> None:
        """Store these rules instead of all that people wrote before; all or nothing.

        Raises
        ------
        InputError
            If a rule is wrong, shares of a split do not add up to 1, or rules contradict each other.
        """
        check_rule_set(rows)
        values = [
            {"position": position, **{n: v for n, v in asdict(row).items() if n not in _NOT_STORED}}
            for position, row in enumerate(rows)
        ]
        with self._database.write() as connection:
            connection.execute(delete(OWNERSHIP_RULE))
            if values:
                connection.execute(insert(OWNERSHIP_RULE), values)

    def written(self) -> list[OwnershipRow]:
        """Return the rules that people wrote, in the order in which they were given."""
        with self._database.read() as connection:
            return _read_rules(connection)

    def all(self) -> list[OwnershipRow]:
        """Return every rule in force at any time: those that people wrote, then those of CMDBs."""
        with self._database.read() as connection:
            matches = matches_of(read_decisions(connection))
            return [*_read_rules(connection), *cmdb_rules(read_versions(connection), matches)]

    def replace_aliases(self, rows: Sequence[NameAlias]) -> None:
        """Store these other names of teams instead of all present ones; all or nothing.

        Raises
        ------
        InputError
            If an alias means two teams at one time, or aliases lead back to themselves.
        """
        check_aliases([*rows, *self._reviewed_aliases()])
        values = [{"position": position, **asdict(row)} for position, row in enumerate(rows)]
        with self._database.write() as connection:
            connection.execute(delete(TEAM_ALIAS))
            if values:
                connection.execute(insert(TEAM_ALIAS), values)

    def written_aliases(self) -> list[NameAlias]:
        """Return the other names of teams that people wrote, in the order in which they were given."""
        with self._database.read() as connection:
            rows = connection.execute(select(TEAM_ALIAS).order_by(TEAM_ALIAS.c.position)).all()
        return [
            NameAlias(**{name: value for name, value in row._mapping.items() if name != "position"})
            for row in rows
        ]

    def aliases(self) -> list[NameAlias]:
        """Return every other name of a team: written ones, then those that a review made one.

        A written alias comes before a reviewed one of the same name.
        """
        written = self.written_aliases()
        taken = {normal_form(row.alias) for row in written}
        return [*written, *(row for row in self._reviewed_aliases() if normal_form(row.alias) not in taken)]

    def known_teams(self) -> list[KnownTeam]:
        """Return how teams are written: by aliases, by CMDBs, by rules, each since it was said first."""
        versions = self.cmdb.versions()
        named = [(_RANK_OF_ALIASES, row.team, row.valid_from) for row in self.aliases()]
        named += [(_RANK_OF_CMDB, one.name, one.valid_from) for one in versions if one.kind == "team"]
        named += [(_RANK_OF_CMDB, one.facts.team, one.valid_from) for one in versions if one.facts.team]
        named += [(_RANK_OF_RULES, row.team, row.valid_from) for row in self.written()]
        first: dict[tuple[int, str], KnownTeam] = {}
        for order, name, since in named:
            known = first.get((order, name))
            if known is None or since < known.since:
                first[order, name] = KnownTeam(order, name, since)
        return sorted(first.values())

    def hash(self) -> str:
        """Return a hash of what rules and names say, whatever their order."""
        rules = hash_ownership_rows(self.all())
        names = sorted(
            (row.alias, row.team, row.valid_from.isoformat(), str(row.valid_to)) for row in self.aliases()
        )
        return hashlib.sha256(repr((rules, names)).encode()).hexdigest()[:32] if names else rules

    def _reviewed_aliases(self) -> list[NameAlias]:
        """Return what reviews made other names of teams; where rule and person differ, the person's."""
        decisions = [one for one in self.reviews.decisions() if one.pair.name_kind is NameKind.TEAM]
        by_person = {one.pair.id for one in decisions if one.decision is not MatchDecision.MERGED}
        accepted = _aliases([one for one in decisions if one.pair.id in by_person])
        taken = {normal_form(row.alias) for row in accepted}
        for row in _aliases([one for one in decisions if one.pair.id not in by_person]):
            form = normal_form(row.alias)
            if form not in taken and form != normal_form(row.team):  # a mere spelling needs no alias
                taken.add(form)
                accepted.append(row)
        return accepted


def _aliases(decisions: Sequence[DecidedPair]) -> list[NameAlias]:
    return [
        NameAlias(match.name, match.entity, match.valid_from, match.valid_to)
        for match in matches_of(decisions)
    ]


def _read_rules(connection: Connection) -> list[OwnershipRow]:
    rows = connection.execute(select(OWNERSHIP_RULE).order_by(OWNERSHIP_RULE.c.position)).all()
    return [
        OwnershipRow(**{name: value for name, value in row._mapping.items() if name != "position"})
        for row in rows
    ]
