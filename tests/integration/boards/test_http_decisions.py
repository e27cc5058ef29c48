"""Decisions over HTTP: etags in If-Match, rights, bulk, exclusions, and what the gate refuses."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from support.api import api_of
from support.asgi import Answer, call
from support.board_world import LAST_DAY, NOW, World, build_world

from models.vocabulary.identity import Role

Tokens = dict[str, dict[str, str]]
Send = Callable[..., Answer]


@pytest.fixture
def own_world(tmp_path: Path) -> Iterator[World]:
    """Return a company of one day with suggestions, in which three people hold roles."""
    found = build_world(tmp_path, first=LAST_DAY, last=LAST_DAY)
    access = found.runtime.warehouse.access
    access.grant("lea", Role.LEADERSHIP)
    access.grant("pat", Role.PLATFORM)
    access.grant("sam", Role.OWNER, "search")
    yield found
    found.runtime.warehouse.close()


@pytest.fixture
def tokens(own_world: World) -> Tokens:
    """Return headers with a bearer token of each principal."""
    issue = own_world.runtime.warehouse.access.issue_token
    return {
        name: {"Authorization": f"Bearer {issue(name, description='test', at=NOW)}"}
        for name in ("lea", "pat", "sam")
    }


@pytest.fixture
def api(own_world: World, tokens: Tokens) -> Starlette:
    """Return the API; tokens exist, so being local proves nothing."""
    assert tokens
    return api_of(own_world.runtime)


@pytest.fixture
def send(api: Starlette) -> Send:
    """Send a JSON body as somebody."""

    def _send(headers: dict[str, str], path: str, etag: str | None = None, method: str = "POST", **content):
        sent = headers | {"Content-Type": "application/json"}
        if etag is not None:
            sent["If-Match"] = f'"{etag}"'
        return call(api, path, method=method, headers=sent, body=json.dumps(content).encode())

    return _send


def first(api: Starlette, headers: dict[str, str]) -> dict[str, str]:
    """Return the first open suggestion that somebody sees."""
    listed = call(api, "/v1/recommendations?state=proposed", headers=headers).json()["recommendations"]
    found: dict[str, str] = listed[0]
    return found


def test_a_decision_quotes_what_was_seen(api: Starlette, tokens: Tokens, send: Send) -> None:
    row = first(api, tokens["sam"])
    path = f"/v1/recommendations/{row['id']}"
    assert send(tokens["sam"], f"{path}/accept").status == 428
    assert send(tokens["sam"], f"{path}/accept", "0" * 16).status == 412
    weak = tokens["sam"] | {"Content-Type": "application/json", "If-Match": f'W/"{row["etag"]}"'}
    assert call(api, f"{path}/accept", method="POST", headers=weak, body=b"{}").status == 400
    shown = call(api, path, headers=tokens["sam"])
    assert shown.headers["etag"] == f'"{row["etag"]}"'
    accepted = send(tokens["sam"], f"{path}/accept", row["etag"], note="next release")
    assert (accepted.status, accepted.json()["state"]) == (200, "accepted")
    assert send(tokens["sam"], f"{path}/accept", row["etag"]).status == 409
    withdrawn = send(tokens["sam"], f"{path}/withdraw", row["etag"])
    assert (withdrawn.status, withdrawn.json()["state"]) == (200, "proposed")
    assert send(tokens["sam"], f"{path}/reject", row["etag"], reason="because").status == 422
    assert send(tokens["sam"], f"{path}/snooze", row["etag"], until="2020-01-01T00:00:00Z").status == 422
    assert send(tokens["sam"], f"{path}/reject", row["etag"], reason="peak_known").status == 200
    life = call(api, f"{path}/events", headers=tokens["sam"]).json()["events"]
    assert [event["state"] for event in life] == ["proposed", "accepted", "proposed", "rejected"]
    assert [event["principal"] for event in life[1:]] == ["sam"] * 3


def test_edited_values_are_stored_beside_the_advice(api: Starlette, tokens: Tokens, send: Send) -> None:
    row = first(api, tokens["sam"])
    path = f"/v1/recommendations/{row['id']}"
    assert send(tokens["sam"], f"{path}/accept", row["etag"], cpu_request="lots").status == 422
    assert send(tokens["sam"], f"{path}/accept", row["etag"], cpu="1").status == 422
    both = {"cpu_request": "250m", "cpu_limit": "300m"}
    assert send(tokens["sam"], f"{path}/accept", row["etag"], **both).status == 200
    shown = call(api, path, headers=tokens["sam"]).json()
    assert (shown["agreed"]["cpu_request_cores"], shown["agreed"]["cpu_limit_cores"]) == (0.25, 0.3)
    assert shown["advised"] == row["advised"]
    assert shown["etag"] != row["etag"]


def test_nobody_decides_for_others_or_without_an_identity(api: Starlette, tokens: Tokens, send: Send) -> None:
    every = call(api, "/v1/recommendations", headers=tokens["pat"]).json()["recommendations"]
    other = next(row for row in every if row["team"] != "search")
    path = f"/v1/recommendations/{other['id']}"
    assert send(tokens["sam"], f"{path}/accept", other["etag"]).status == 404
    assert call(api, f"{path}/events", headers=tokens["sam"]).status == 404
    assert send(tokens["lea"], f"{path}/accept", other["etag"]).status == 403
    assert send(tokens["sam"], "/v1/bulk-acceptances", team=other["team"]).status == 403
    for where in (f"{path}/accept", "/v1/bulk-acceptances", "/v1/exclusions", "/v1/peak-signatures"):
        assert send({}, where, other["etag"]).status == 401
    elsewhere = tokens["pat"] | {"Origin": "https://evil.example"}
    assert send(elsewhere, f"{path}/accept", other["etag"]).status == 403
    assert send(tokens["pat"], f"{path}/accept", other["etag"], method="PUT").status == 405


def test_a_bulk_acceptance_previews_and_then_accepts(api: Starlette, tokens: Tokens, send: Send) -> None:
    preview = send(tokens["sam"], "/v1/bulk-acceptances", preview=True, maximum_risk_ratio=1.0).json()
    assert preview["is_preview"]
    assert first(api, tokens["sam"])["state"] == "proposed"
    done = send(tokens["sam"], "/v1/bulk-acceptances", maximum_risk_ratio=1.0).json()
    assert done["accepted"] == preview["accepted"]
    assert {one["because"] for one in done["left_out"]} == {one["because"] for one in preview["left_out"]}


def test_exclusions_are_made_listed_and_ended(api: Starlette, tokens: Tokens, send: Send) -> None:
    made = send(tokens["sam"], "/v1/exclusions", reason="rebuilt in May", namespace="search*")
    assert (made.status, made.json()["teams"]) == (201, ["search"])
    listed = call(api, "/v1/exclusions", headers=tokens["sam"]).json()["exclusions"]
    assert [rule["reason"] for rule in listed] == ["rebuilt in May"]
    assert send(tokens["lea"], "/v1/exclusions", reason="x").status == 403
    assert send(tokens["sam"], "/v1/exclusions", reason="").status == 422
    path = f"/v1/exclusions/{made.json()['id']}"
    assert send(tokens["sam"], path, method="DELETE").status == 200
    assert send(tokens["sam"], path, method="DELETE").status == 409
    assert call(api, "/v1/exclusions", headers=tokens["sam"]).json()["exclusions"] == []


def test_the_regret_rate_says_when_nothing_was_applied(api: Starlette, tokens: Tokens) -> None:
    (row,) = call(api, "/v1/regret", headers=tokens["sam"]).json()["regret"]
    assert (row["applied_count"], row["regret_ratio"]) == (0, None)
