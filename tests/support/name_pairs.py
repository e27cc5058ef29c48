"""Five hundred names of clusters with the CMDB service each one means, or none: made by rule, not by hand.

CMDB: 12 domains x 12 subjects (``checkout-cart``), and families that differ in little only (``payments-eu``
and ``payments-us``, ``ledger-v1`` and ``ledger-v2``). Each service lends its name to variants in turn:

- merged by rule: the same; other separators; other case; camel case; the prefix ``prod-``; the suffix
  ``-svc``; both;
- only near: separators left out; words in another order; words shortened or cut short; two letters swapped,
  also behind a prefix; one left out; one too many; a word more.

Hard negatives mean no service of the CMDB although they look like one: another first letter
(``play-api`` for ``pay-api``), another region, another version, another subject of the same domain.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from models.ownership.reconciliation import NameRules

RULES = NameRules(strip_prefixes=("prod-",), strip_suffixes=("-svc",))

_DOMAINS = (
    "checkout",
    "payment",
    "inventory",
    "shipping",
    "customer",
    "catalogue",
    "pricing",
    "warehouse",
    "marketing",
    "identity",
    "reporting",
    "messaging",
)
_SUBJECTS = (
    "api",
    "gateway",
    "worker",
    "scheduler",
    "search",
    "export",
    "import",
    "console",
    "billing",
    "webhook",
    "archive",
    "monitor",
)
_FAMILIES = (
    "payments-eu",
    "payments-us",
    "ledger-v1",
    "ledger-v2",
    "pay-api",
    "orders-01",
    "orders-02",
    "tax-de",
)
_NEGATIVES = (
    "play-api",
    "payments-uk",
    "payments-apac",
    "ledger-v3",
    "prod-ledger-v4",
    "border-01",
    "orders-03",
    "orders-011",
    "tax-dk",
    "fax-de",
    "tax-d-e1",
    "pays-api",
    "prod-bay-api",
    "payments",
    "ledger",
    "pay-apis",
)

CMDB_SERVICES = tuple(f"{domain}-{subject}" for domain in _DOMAINS for subject in _SUBJECTS) + _FAMILIES


@dataclass(frozen=True)
class LabelledName:
    """A name of a cluster, the service it means (None for a hard negative), and how it was made."""

    name: str
    meaning: str | None
    variant: str


def _camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("-"))


def _shortened(name: str) -> str:
    words = name.split("-")
    return "-".join(word[0] + "".join(c for c in word[1:] if c not in "aeiou") for word in words)


def _swapped(name: str) -> str:
    middle = next(i for i in range(2, len(name) - 1) if name[i] != name[i + 1] and "-" not in name[i : i + 2])
    return name[:middle] + name[middle + 1] + name[middle] + name[middle + 2 :]


_VARIANTS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("same", str),
    ("other separators", lambda name: name.replace("-", "_")),
    ("other case", str.upper),
    ("camel case", _camel),
    ("prefix", lambda name: f"prod-{name}"),
    ("suffix", lambda name: f"{name}-svc"),
    ("prefix and suffix", lambda name: f"prod.{name.replace('-', '.')}.svc"),
    ("joined", lambda name: name.replace("-", "")),
    ("other order", lambda name: "-".join(reversed(name.split("-")))),
    ("shortened", _shortened),
    ("cut short", lambda name: "-".join(word[:4] for word in name.split("-"))),
    ("swapped", _swapped),
    ("prefix and swapped", lambda name: f"prod-{_swapped(name)}"),
    ("one letter less", lambda name: name[:3] + name[4:]),
    ("one letter more", lambda name: name[:3] + name[2] + name[3:]),
    ("a word more", lambda name: f"{name}-internal"),
)
MERGED_VARIANTS = frozenset(name for name, _ in _VARIANTS[:7])


def labelled_names(count: int = 500) -> list[LabelledName]:
    """Return the fixture: the hard negatives, some of them in other guises, then variants in turn."""
    made: dict[str, LabelledName] = {}
    for name in _NEGATIVES:
        for variant in (name, f"{name}-svc", name.replace("-", "_").upper()):
            made.setdefault(variant, LabelledName(variant, None, "hard negative"))
    for domain in _DOMAINS:  # a subject that the CMDB does not know of a domain that it does
        made.setdefault(f"{domain}-audit", LabelledName(f"{domain}-audit", None, "hard negative"))
    turn = 0
    while len(made) < count:
        service = CMDB_SERVICES[turn % len(CMDB_SERVICES)]
        kind, change = _VARIANTS[(turn + turn // len(CMDB_SERVICES) * 3) % len(_VARIANTS)]
        made.setdefault(change(service), LabelledName(change(service), service, kind))
        turn += 1
    return list(made.values())
