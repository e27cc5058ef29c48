"""Reading a policy from the plain values of a YAML or JSON document, and refusing what cannot work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, TypeVar

from models.chargeback.lines import BILL_KINDS, LineKind
from models.chargeback.policy import Key, Measure, Policy, Rule, Scope, SharedService, Target
from models.vocabulary.errors import InputError

_Choice = TypeVar("_Choice", bound=StrEnum)
_PLAIN = {
    "own_line": Rule(),
    "tenants": Rule(),
    "proportional": Rule(Target.SHARE, Scope.CLUSTER),
}
_RULE_FIELDS = {"to", "scope", "key", "ratios", "team", "cost_centre"}
_SERVICE_FIELDS = {"name", "team", "namespaces", "key", "measure", "ratios", "receivers", "scope"}
_POLICY_FIELDS = {"idle", "overhead", "unowned", "shared", "bill", "oversell_gain"}


def read_policy(content: object) -> Policy:
    """Return the policy that a document says.

    Raises
    ------
    InputError
        Naming field and value: an unknown field or choice, ratios that do not add up to 1, a missing team, or
        shared teams that would pay for each other in a circle.
    """
    document = _mapping(content, "policy", _POLICY_FIELDS)
    services = tuple(
        _service(entry, number) for number, entry in enumerate(_sequence(document.get("shared"), "shared"))
    )
    _check_order(services)
    bill = _mapping(document.get("bill") or {}, "bill", {kind.value for kind in BILL_KINDS})
    return Policy(
        idle=_rule(document.get("idle"), "idle"),
        overhead=_rule(document.get("overhead"), "overhead"),
        unowned=_plain_rule(document.get("unowned"), "unowned"),
        shared=services,
        bill={LineKind(kind): _plain_rule(rule, f"bill.{kind}") for kind, rule in bill.items()},
        oversell_gain=_gain_rule(document.get("oversell_gain")),
    )


def _rule(content: object, field: str) -> Rule:
    if content is None:
        return Rule()
    if isinstance(content, str):
        if content == "share":
            return Rule(Target.SHARE)
        if content == "own_line":
            return Rule()
        raise InputError("is not own_line, share or a mapping with `to`", field=field, value=content)
    values = _mapping(content, field, _RULE_FIELDS)
    to = _choice(Target, values.get("to"), f"{field}.to", None)
    team, cost_centre = _text(values, field, "team"), _text(values, field, "cost_centre")
    if to is Target.PLATFORM and team is None:
        raise InputError("needs the team that pays", field=f"{field}.team", value=None)
    scope = _choice(Scope, values.get("scope"), f"{field}.scope", Scope.NODE)
    key = _choice(Key, values.get("key"), f"{field}.key", Key.PROPORTIONAL)
    return Rule(to, scope, key, _ratios(values, key, field), team, cost_centre)


def _plain_rule(content: object, field: str) -> Rule:
    """Read a rule that is ``own_line``, ``proportional`` or names the team that pays."""
    if content is None:
        return Rule()
    if isinstance(content, str) and content in ("own_line", "proportional"):
        return _PLAIN[content]
    if isinstance(content, Mapping):
        rule = _rule(content, field)
        if rule.to is Target.PLATFORM or rule in _PLAIN.values():
            return rule
    raise InputError(
        "is not own_line, proportional or {to: platform, team: ...}", field=field, value=str(content)
    )


def _gain_rule(content: object) -> Rule:
    rule = Rule() if content == "tenants" else _plain_rule(content, "oversell_gain")
    if rule.to is Target.SHARE:
        raise InputError(
            "is not tenants or {to: platform, team: ...}", field="oversell_gain", value=str(content)
        )
    return rule


def _service(content: object, number: int) -> SharedService:
    field = f"shared[{number + 1}]"
    values = _mapping(content, field, _SERVICE_FIELDS)
    team, namespaces = _text(values, field, "team"), _texts(values, field, "namespaces")
    if (team is None) == (not namespaces):
        raise InputError("names either a team or namespaces", field=field, value=str(content))
    name = _text(values, field, "name") or team
    if name is None:
        raise InputError("needs a name", field=f"{field}.name", value=None)
    key = _choice(Key, values.get("key"), f"{field}.key", Key.PROPORTIONAL)
    receivers = () if values.get("receivers") == "all" else _texts(values, field, "receivers")
    scope = _choice(Scope, values.get("scope"), f"{field}.scope", Scope.CLUSTER)
    if scope not in (Scope.CLUSTER, Scope.ALL):
        raise InputError("is not cluster or all", field=f"{field}.scope", value=scope)
    measure = _choice(Measure, values.get("measure"), f"{field}.measure", Measure.DIRECT)
    ratios = _ratios(values, key, field)
    if team is not None and team in (*receivers, *(one for one, _ in ratios)):
        raise InputError("would pay for itself", field=f"{field}.receivers", value=team)
    return SharedService(name, team, namespaces, key, measure, ratios, receivers, scope)


def _check_order(services: Sequence[SharedService]) -> None:
    """Refuse shared teams that pay for each other in a circle, or in an order that cannot be stepped down."""
    position: dict[str, int] = {}
    for number, service in enumerate(services):
        if service.name in {other.name for other in services[:number]}:
            raise InputError("is declared twice", field="shared", value=service.name)
        if service.team is not None:
            if service.team in position:
                raise InputError("is declared twice", field="shared", value=service.team)
            position[service.team] = number
    pays = {
        service.team: [team for team in _receiving(service, position) if team != service.team]
        for service in services
        if service.team is not None
    }
    for service in services:
        for team in _receiving(service, position):
            if position[team] >= services.index(service):
                continue
            circle = None if service.team is None else _path(pays, team, service.team)
            if circle is not None:
                shown = " -> ".join([service.name, *circle])
                raise InputError("shared teams pay for each other in a circle", field="shared", value=shown)
            reason = f"is shared out before {service.name}, which it would pay for: declare it later"
            raise InputError(reason, field="shared", value=team)


def _receiving(service: SharedService, position: Mapping[str, int]) -> list[str]:
    """Return the shared teams that a service names as payers, or that follow it when all receive."""
    named = [*service.receivers, *(team for team, _ in service.ratios)]
    if named:
        return [team for team in named if team in position]
    own = -1 if service.team is None else position[service.team]
    return [] if service.team is None else [team for team, number in position.items() if number > own]


def _path(pays: Mapping[str, Sequence[str]], start: str, end: str) -> list[str] | None:
    """Return the teams from one to another along who pays for whom, both included."""
    waiting: list[list[str]] = [[start]]
    seen = {start}
    while waiting:
        path = waiting.pop(0)
        if path[-1] == end:
            return path
        for team in pays.get(path[-1], ()):
            if team not in seen:
                seen.add(team)
                waiting.append([*path, team])
    return None


def _ratios(values: Mapping[str, Any], key: Key, field: str) -> tuple[tuple[str, Decimal], ...]:
    content = values.get("ratios")
    if (key is Key.FIXED) != bool(content):
        raise InputError("stand with the key fixed, and only there", field=f"{field}.ratios", value=content)
    if not content:
        return ()
    if not isinstance(content, Mapping):
        raise InputError("is not a mapping of teams to ratios", field=f"{field}.ratios", value=str(content))
    found = tuple(sorted((str(team), _ratio(ratio, field)) for team, ratio in content.items()))
    total = sum((ratio for _, ratio in found), Decimal(0))
    if total != 1:
        raise InputError("do not add up to 1", field=f"{field}.ratios", value=f"{total:f}")
    return found


def _ratio(content: object, field: str) -> Decimal:
    try:
        ratio = Decimal(str(content))
    except InvalidOperation as problem:
        raise InputError("is not a number", field=f"{field}.ratios", value=str(content)) from problem
    if not ratio.is_finite() or ratio < 0:
        raise InputError("is not a ratio of 0 to 1", field=f"{field}.ratios", value=str(content))
    return ratio


def _mapping(content: object, field: str, known: set[str]) -> Mapping[str, Any]:
    if not isinstance(content, Mapping):
        raise InputError("is not a mapping", field=field, value=None if content is None else str(content))
    unknown = sorted(str(name) for name in content if name not in known)
    if unknown:
        raise InputError(
            f"is not known; there are {', '.join(sorted(known))}", field=field, value=", ".join(unknown)
        )
    return content


def _sequence(content: object, field: str) -> Sequence[object]:
    if content is None:
        return ()
    if not isinstance(content, list | tuple):
        raise InputError("is not a list", field=field, value=str(content))
    return content


def _choice(kind: type[_Choice], content: object, field: str, default: _Choice | None) -> _Choice:
    if content is None and default is not None:
        return default
    try:
        return kind(str(content))
    except ValueError as problem:
        known = ", ".join(kind)
        raise InputError(f"is not one of {known}", field=field, value=str(content)) from problem


def _text(values: Mapping[str, Any], field: str, name: str) -> str | None:
    content = values.get(name)
    if content is None:
        return None
    if not isinstance(content, str) or not content.strip():
        raise InputError("is not a text", field=f"{field}.{name}", value=str(content))
    return content.strip()


def _texts(values: Mapping[str, Any], field: str, name: str) -> tuple[str, ...]:
    content = _sequence(values.get(name), f"{field}.{name}")
    if not all(isinstance(one, str) and one for one in content):
        raise InputError("is not a list of texts", field=f"{field}.{name}", value=str(content))
    return tuple(str(one) for one in content)
