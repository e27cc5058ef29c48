"""The class of a workload against labelled archetypes with noise."""

from __future__ import annotations

from collections import Counter

from support.archetypes import DAYS, LABELS, archetype
from support.profile_sets import profile_set

SEEDS = range(24)


def test_labelled_archetypes_are_told_apart() -> None:
    truth = {archetype(label, seed).workload: label for label in LABELS for seed in SEEDS}
    found = profile_set([archetype(label, seed) for label in LABELS for seed in SEEDS], days=DAYS)
    said = {profile.key.workload.name: profile.workload_class for profile in found.profiles}
    pairs = Counter((truth[name], said[name]) for name in truth)
    scores = []
    for label in LABELS:
        hit = pairs[label, label]
        claimed = sum(count for (_, answer), count in pairs.items() if answer is label)
        scores.append(2 * hit / (len(SEEDS) + claimed))
    confusion = {f"{a}->{b}": n for (a, b), n in pairs.items() if a is not b}
    assert sum(scores) / len(scores) >= 0.9, confusion
    assert min(scores) >= 0.8, confusion
