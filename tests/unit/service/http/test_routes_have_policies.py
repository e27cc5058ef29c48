from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from streamlit.runtime import Runtime as StreamlitRuntime
from support.board_world import NOW

from service.http.application import create_application
from service.http.policies import BOARD_PATHS, RULES, Policy, rule_for
from service.runtime import Runtime

OPEN_PATHS = {"/healthz", "/readyz"}


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[BaseRoute]]:
    """Return every route of the real application; Streamlit allows one per process."""
    home: Path = tmp_path_factory.mktemp("warehouse")
    runtime = Runtime.for_test(home, now=NOW)
    application = create_application(runtime)
    yield list(application._build_starlette_app().routes)  # type: ignore[attr-defined]
    StreamlitRuntime._instance = None
    runtime.warehouse.close()


def _example(path: str) -> str:
    """Return a path that a route pattern matches."""
    return re.sub(r"\{[^}]*\}", "x", path)


def test_every_route_of_the_application_has_a_policy(routes: list[BaseRoute]) -> None:
    named = [route for route in routes if isinstance(route, Route | WebSocketRoute)]
    assert len(named) > 20
    for route in named:
        assert rule_for(_example(route.path)) is not None, f"{route.path} has no policy"
    mounts = [route.path for route in routes if isinstance(route, Mount)]
    assert set(mounts) <= {""}, "a mount is reached only through paths that have a policy"


def test_only_the_health_checks_are_open_to_anyone(routes: list[BaseRoute]) -> None:
    for route in routes:
        path = _example(getattr(route, "path", "/"))
        rule = rule_for(path)
        assert rule is None or rule.policy is not Policy.OPEN or path in OPEN_PATHS
    open_rules = [rule.pattern.pattern for rule in RULES if rule.policy is Policy.OPEN]
    assert open_rules == ["/healthz", "/readyz"]


def test_downloads_and_websockets_ask_who_calls() -> None:
    for path in ("/media/abc.csv", "/_stcore/stream", "/", *(f"/{name}" for name in BOARD_PATHS)):
        rule = rule_for(path)
        assert rule is not None
        assert rule.policy is Policy.SIGNED_IN


def test_only_decisions_may_be_posted() -> None:
    writing = [rule.pattern.pattern for rule in RULES if rule.methods & {"POST", "PUT", "DELETE", "PATCH"}]
    assert writing == [
        "/v1/recommendations/[^/]+/decision",
        "/v1/recommendations/[^/]+/(accept|reject|snooze|withdraw)",
        "/v1/(bulk-acceptances|peak-signatures)",
        "/v1/exclusions",
        "/v1/exclusions/[^/]+",
    ]
