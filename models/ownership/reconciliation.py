"""Bringing the names of clusters and of a CMDB together: equal by rule, or only near and then proposed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from models.ownership.entities import EntityKind
from models.ownership.name_likeness import Likeness, NameIndex, likeness
from models.ownership.name_matches import NameKind, NamePair
from models.ownership.names import normal_form, split_form

TARGET_KINDS: Mapping[NameKind, tuple[EntityKind, ...]] = {
    NameKind.TEAM: (EntityKind.TEAM,),
    NameKind.NAMESPACE: (EntityKind.PROJECT, EntityKind.SERVICE),
    NameKind.WORKLOAD: (EntityKind.SERVICE,),
}
"""What a name of a cluster may mean; of two entities that a rule makes equal to it, the first kind counts."""

PROPOSED_FROM = 0.7
"""Pairs below this likeness are not worth a person's time."""
PROPOSALS_PER_NAME = 3

Entity = tuple[EntityKind, str]


@dataclass(frozen=True)
class NameRules:
    """What may be taken off a name before it is compared.

    Parameters
    ----------
    strip_prefixes, strip_suffixes : sequence of str
        Whole words, such as ``prod-`` and ``-svc``. One of each is taken off at most, and never all.
    """

    strip_prefixes: Sequence[str] = ()
    strip_suffixes: Sequence[str] = ()

    def stripped(self, name: str) -> str:
        """Return the split form of a name without a listed first and last word."""
        words = split_form(name).split("-")
        words = _without(words, self.strip_prefixes, is_suffix=False)
        return "-".join(_without(words, self.strip_suffixes, is_suffix=True))


def _without(words: list[str], listed: Sequence[str], *, is_suffix: bool) -> list[str]:
    parts = sorted((normal_form(part).split("-") for part in listed), key=len, reverse=True)
    for part in parts:
        size = len(part)
        if 0 < size < len(words) and (words[-size:] if is_suffix else words[:size]) == part:
            return words[:-size] if is_suffix else words[size:]
    return words


@dataclass(frozen=True)
class Reconciliation:
    """Names of one kind: equal by rule, proposed, and without any near name.

    ``merged`` and ``proposed`` are sorted; a name is in one of the three.
    """

    merged: tuple[NamePair, ...] = ()
    proposed: tuple[NamePair, ...] = ()
    unmatched: tuple[str, ...] = field(default=())


def reconcile(
    name_kind: NameKind,
    names: Iterable[str],
    entities: Iterable[Entity],
    rules: NameRules,
) -> Reconciliation:
    """Compare names of clusters with entities of a CMDB.

    Merged are names that are equal, else equal up to case and separators, else equal after the listed
    words are taken off; each only if exactly one entity of the first kind with any such name has it.
    Everything else that is near is proposed, the nearest three.

    Parameters
    ----------
    name_kind : NameKind
    names : iterable of str
    entities : iterable of (EntityKind, str)
        Those of kinds that the name cannot mean are left out.
    rules : NameRules
    """
    wanted = TARGET_KINDS[name_kind]
    targets = sorted(
        {entity for entity in entities if entity[0] in wanted},
        key=lambda entity: (wanted.index(entity[0]), entity[1]),
    )
    equal = _EqualNames(targets, rules)
    nearest = _NearNames(targets, rules)
    merged: list[NamePair] = []
    proposed: list[NamePair] = []
    unmatched: list[str] = []
    for name in sorted(set(names)):
        found = equal.find(name)
        if len(found.entities) == 1:
            kind, entity = found.entities[0]
            merged.append(NamePair(name_kind, name, kind, entity, 1.0, found.rule))
            continue
        near = _proposals(name_kind, name, nearest, found)
        proposed += near
        if not near:
            unmatched.append(name)
    return Reconciliation(tuple(merged), tuple(proposed), tuple(unmatched))


def reconcile_workloads(
    workloads: Iterable[tuple[str, str]], entities: Iterable[Entity], rules: NameRules
) -> Reconciliation:
    """Compare workloads with services, as `reconcile` does by their names.

    A name that several namespaces use (``redis``) says too little to be merged: it is proposed for each.

    Parameters
    ----------
    workloads : iterable of (str, str)
        Namespace and name.
    entities : iterable of (EntityKind, str)
    rules : NameRules
    """
    namespaces: dict[str, set[str]] = defaultdict(set)
    for namespace, name in workloads:
        namespaces[name].add(namespace)
    found = reconcile(NameKind.WORKLOAD, namespaces, entities, rules)
    merged: list[NamePair] = []
    proposed: list[NamePair] = []
    for pair in (*found.merged, *found.proposed):
        places = sorted(namespaces[pair.name])
        several = f", in {len(places)} namespaces" if len(places) > 1 else ""
        is_merged = pair.score == 1.0 and not several
        score = pair.score if is_merged else min(pair.score, 0.99)
        for place in places:
            named = replace(
                pair, name=f"{place}/{pair.name}", score=score, evidence=f"{pair.evidence}{several}"
            )
            (merged if is_merged else proposed).append(named)
    unmatched = sorted(f"{place}/{name}" for name in found.unmatched for place in namespaces[name])
    return Reconciliation(tuple(merged), tuple(proposed), tuple(unmatched))


@dataclass(frozen=True)
class _Found:
    entities: tuple[Entity, ...]
    rule: str


class _EqualNames:
    """Finds entities whose name a rule makes equal."""

    def __init__(self, targets: Sequence[Entity], rules: NameRules) -> None:
        self._rules = rules
        self._forms: tuple[tuple[str, Callable[[str], str]], ...] = (
            ("the same name", str),
            ("the same up to case and separators", normal_form),
            ("the same words", split_form),
            ("the same without the listed prefix and suffix", rules.stripped),
        )
        self._by_form: list[dict[str, list[Entity]]] = []
        for _, form in self._forms:
            by_form: dict[str, list[Entity]] = defaultdict(list)
            for kind, name in targets:
                by_form[form(name)].append((kind, name))
            self._by_form.append(by_form)

    def find(self, name: str) -> _Found:
        """Return the entities of the first rule that finds any, of the first kind among them."""
        for (rule, form), by_form in zip(self._forms, self._by_form, strict=True):
            found = by_form.get(form(name), [])
            if found:
                first_kind = found[0][0]
                return _Found(tuple(entity for entity in found if entity[0] is first_kind), rule)
        return _Found((), "")


class _NearNames:
    """Finds entities whose name is near, also when the listed words are taken off."""

    def __init__(self, targets: Sequence[Entity], rules: NameRules) -> None:
        self._rules = rules
        self._kinds = {target: kind for kind, target in reversed(targets)}
        self._index = NameIndex(sorted(self._kinds))

    def find(self, name: str) -> list[tuple[Entity, Likeness]]:
        """Return entities with their likeness, in no order."""
        best: dict[str, Likeness] = {}
        for form in dict.fromkeys((name, self._rules.stripped(name))):
            for target in self._index.candidates(form):
                found = likeness(form, target)
                if target not in best or found.score > best[target].score:
                    best[target] = found
        return [((self._kinds[target], target), found) for target, found in best.items()]


def _proposals(name_kind: NameKind, name: str, near: _NearNames, equal: _Found) -> list[NamePair]:
    if equal.entities:
        alike = [(entity, Likeness(0.99, f"{equal.rule}, as several")) for entity in equal.entities]
    else:
        alike = near.find(name)
    chosen = [(entity, found) for entity, found in alike if found.score >= PROPOSED_FROM]
    chosen.sort(key=lambda item: (-item[1].score, item[0][1]))
    return [
        NamePair(name_kind, name, kind, entity, found.score, found.evidence)
        for (kind, entity), found in chosen[:PROPOSALS_PER_NAME]
    ]
