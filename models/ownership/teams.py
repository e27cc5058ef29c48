"""Teams as the CMDB knows them over time: cost centre, contact, parent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from models.ownership.entities import EntityKind, EntityVersion
from models.ownership.names import normal_form


class TeamDirectory:
    """Answers what is known of a team at an instant, however its name is spelt.

    Parameters
    ----------
    versions : iterable of EntityVersion
        Those of other kinds than team are left out.
    """

    def __init__(self, versions: Iterable[EntityVersion] = ()) -> None:
        self._versions: dict[str, list[EntityVersion]] = defaultdict(list)
        teams = [version for version in versions if version.kind is EntityKind.TEAM]
        for version in sorted(teams, key=lambda version: (version.valid_from, version.source)):
            self._versions[normal_form(version.name)].append(version)

    def at(self, team: str, moment: datetime) -> EntityVersion | None:
        """Return what holds of a team at an instant; None when the CMDB does not know it."""
        known = self._versions.get(normal_form(team), ())
        return next((version for version in known if version.holds_at(moment)), None)

    def cost_centre(self, team: str, moment: datetime) -> str | None:
        """Return the cost centre of a team at an instant: its own, else that of the nearest parent."""
        seen: set[str] = set()
        name: str | None = team
        while name is not None and normal_form(name) not in seen:
            seen.add(normal_form(name))
            version = self.at(name, moment)
            if version is None or version.facts.cost_centre:
                return None if version is None else version.facts.cost_centre
            name = version.facts.parent
        return None

    def changes(self) -> set[datetime]:
        """Return every instant at which something about a team changes."""
        return {
            edge
            for known in self._versions.values()
            for version in known
            for edge in (version.valid_from, version.ends_at)
        }

    def content_between(self, start: datetime, end: datetime) -> tuple[str, ...]:
        """Return as texts what gives cost centres in ``[start, end)``, in order."""
        return tuple(
            sorted(
                f"{version.name}@{max(version.valid_from, start)}-{min(version.ends_at, end)}"
                f"={version.facts.cost_centre}^{version.facts.parent}"
                for known in self._versions.values()
                for version in known
                if version.valid_from < end and start < version.ends_at
            )
        )
