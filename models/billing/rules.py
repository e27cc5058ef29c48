"""Rules that say where lines of a bill end when the bill itself does not."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from models.billing.buckets import CHARGE_CATEGORIES, Bucket, LineGroup
from models.vocabulary.errors import InputError
from models.vocabulary.identity import check_cluster_name


@dataclass(frozen=True)
class BillRule:
    """One rule; the first that fits decides. Conditions that are None fit every line.

    Parameters
    ----------
    bucket : Bucket
    provider, account, region, service, resource : str or None
        Globs (``*``, ``?``), upper and lower case alike.
    charge_category : str or None
        One of `CHARGE_CATEGORIES`.
    tags : mapping of str to str
        Tag key to a glob of its value; all must fit.
    cluster : str or None
        For the bucket cluster.
    team, cost_centre : str or None
        Who pays.
    team_tag, cost_centre_tag : str or None
        Tag whose value names who pays; the rule fits only lines that have it.
    source_file, source_row
        Where the rule was read, for messages only.
    """

    bucket: Bucket
    provider: str | None = None
    account: str | None = None
    region: str | None = None
    service: str | None = None
    charge_category: str | None = None
    resource: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    cluster: str | None = None
    team: str | None = None
    team_tag: str | None = None
    cost_centre: str | None = None
    cost_centre_tag: str | None = None
    source_file: str | None = field(default=None, compare=False)
    source_row: int | None = field(default=None, compare=False)

    def fits(self, group: LineGroup) -> bool:
        """Whether the rule decides over a group of lines."""
        if self.charge_category is not None and self.charge_category != group.charge_category:
            return False
        globs = (
            (self.provider, group.provider),
            (self.account, group.account),
            (self.region, group.region),
            (self.service, group.service),
            (self.resource, group.resource_id),
        )
        if not all(_fits(glob, value) for glob, value in globs):
            return False
        wanted = {**self.tags, **{tag: "?*" for tag in (self.team_tag, self.cost_centre_tag) if tag}}
        values = group.tag_values if wanted else {}
        return all(_fits(glob, values.get(tag)) for tag, glob in wanted.items())


def _fits(glob: str | None, value: str | None) -> bool:
    return glob is None or fnmatchcase((value or "").lower(), glob.lower())


_CONDITIONS = ("provider", "account", "region", "service", "charge_category", "resource")


def check_bill_rules(rules: Sequence[BillRule]) -> None:
    """Refuse rules that cannot decide anything.

    Raises
    ------
    InputError
        Naming file, row and field.
    """
    for number, rule in enumerate(rules, start=1):
        has_condition = any(getattr(rule, name) for name in _CONDITIONS) or rule.tags or rule.team_tag
        problems = (
            (
                "cluster",
                rule.cluster,
                (rule.bucket is Bucket.CLUSTER) == (rule.cluster is not None),
                "belongs to the bucket cluster, and only there",
            ),
            (
                "team",
                rule.team or rule.team_tag,
                rule.bucket is not Bucket.OUT_OF_CLUSTER or bool(rule.team or rule.team_tag),
                "is missing: lines out of the cluster need a team or a team_tag",
            ),
            (
                "charge_category",
                rule.charge_category,
                rule.charge_category is None or rule.charge_category in CHARGE_CATEGORIES,
                f"is not one of {', '.join(CHARGE_CATEGORIES)}",
            ),
            (
                "bucket",
                rule.bucket.value,
                bool(has_condition) or number == len(rules),
                "fits every line, so no rule below it can decide: put it last",
            ),
        )
        for name, value, is_right, reason in problems:
            if not is_right:
                raise InputError(
                    reason, file=rule.source_file, row=rule.source_row or number, field=name, value=value
                )
        if rule.cluster is not None:
            check_cluster_name(rule.cluster)


def hash_bill_rules(rules: Iterable[BillRule]) -> str:
    """Return a hash of what the rules say, in their order."""
    content = [
        [
            (name, sorted(value.items()) if isinstance(value, Mapping) else value and str(value))
            for name, value in vars(rule).items()
            if not name.startswith("source_")
        ]
        for rule in rules
    ]
    return hashlib.sha256(repr(content).encode()).hexdigest()[:32]
