from __future__ import annotations

from datetime import timedelta

import pytest
from support.asgi import ELSEWHERE, LOOPBACK, call, open_websocket
from support.board_world import NOW
from support.gated import ONE_TIME, guarded

from models.vocabulary.identity import Role
from service.access import TICKET_HEADER, AccessControl, Identity, IdentityKind, Unauthenticated
from service.http.gate import SECURITY_HEADERS, caller_of
from service.runtime import Runtime

FORWARDING = [
    {"X-Forwarded-For": "10.0.0.1"},
    {"Forwarded": "for=10.0.0.1"},
    {"X-Real-IP": "10.0.0.1"},
    {"Via": "1.1 proxy"},
    {"X-Forwarded-Host": "evil.example"},
    {"X-Forwarded-Port": "443"},
    {"X-Forwarded-User": "root"},
    {"X-Auth-Request-User": "root"},
    {"X-Client-IP": "10.0.0.1"},
]


def issue(runtime: Runtime, name: str, *roles: Role) -> str:
    for role in roles:
        runtime.warehouse.access.grant(name, role)
    return runtime.warehouse.access.issue_token(name, description="test", at=NOW)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_caller_on_this_machine_is_let_in_while_there_is_no_identity_source(control: AccessControl) -> None:
    assert call(guarded(control), "/metrics").status == 200


@pytest.mark.parametrize("headers", FORWARDING)
def test_whatever_was_forwarded_is_not_local(control: AccessControl, headers: dict[str, str]) -> None:
    app = guarded(control)
    assert call(app, "/metrics", headers=headers).status == 401
    assert call(app, "/media/x.csv", headers=headers).status == 401
    assert open_websocket(app, headers=headers) == "refused"


def test_a_caller_from_elsewhere_is_refused_everywhere_but_at_the_health_check(
    control: AccessControl,
) -> None:
    app = guarded(control)
    for path in ("/metrics", "/media/x.csv"):
        answer = call(app, path, peer=ELSEWHERE)
        assert answer.status == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert open_websocket(app, peer=ELSEWHERE) == "refused"
    assert call(app, "/healthz", peer=ELSEWHERE).status == 200


def test_a_name_that_only_resolves_to_this_machine_is_not_local(control: AccessControl) -> None:
    assert call(guarded(control), "/metrics", host="rebound.example:8710").status == 401


def test_an_unknown_peer_is_not_local(control: AccessControl) -> None:
    assert call(guarded(control), "/metrics", peer=None).status == 401


def test_the_one_time_link_becomes_a_cookie_and_leaves_the_address(control: AccessControl) -> None:
    app = guarded(control)
    answer = call(app, f"/metrics?token={ONE_TIME}&window=7d", peer=ELSEWHERE)
    assert answer.status == 303
    assert answer.headers["location"] == "/metrics?window=7d"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert ONE_TIME not in cookie
    session = cookie.partition(";")[0]
    assert call(app, "/metrics", headers={"Cookie": session}, peer=ELSEWHERE).status == 200
    assert open_websocket(app, headers={"Cookie": session}, peer=ELSEWHERE) == "accepted"


def test_a_wrong_link_or_cookie_opens_nothing(control: AccessControl) -> None:
    app = guarded(control)
    assert call(app, "/metrics?token=guess", peer=ELSEWHERE).status == 401
    assert call(app, "/metrics?token=", peer=ELSEWHERE).status == 401
    forged = {"Cookie": "millicore_session=" + "0" * 64}
    assert call(app, "/metrics", headers=forged, peer=ELSEWHERE).status == 401


def test_without_a_link_no_token_in_the_address_is_right(runtime: Runtime) -> None:
    app = guarded(AccessControl(runtime, None))
    assert call(app, "/metrics?token=", peer=ELSEWHERE).status == 401
    assert call(app, "/metrics?token=None", peer=ELSEWHERE).status == 401


def test_a_token_stands_for_its_principal_from_anywhere(runtime: Runtime, control: AccessControl) -> None:
    token = issue(runtime, "grafana", Role.LEADERSHIP)
    answer = call(guarded(control), "/metrics", headers=bearer(token), peer=ELSEWHERE)
    assert answer.text == "grafana leadership"


def test_a_token_without_a_role_reads_nothing(runtime: Runtime, control: AccessControl) -> None:
    token = issue(runtime, "nobody")
    assert call(guarded(control), "/metrics", headers=bearer(token)).status == 403


def test_a_wrong_token_does_not_fall_back_to_being_local(control: AccessControl) -> None:
    assert call(guarded(control), "/metrics", headers=bearer("mc_wrong"), peer=LOOPBACK).status == 401


def test_an_expired_token_is_refused(runtime: Runtime, control: AccessControl) -> None:
    runtime.warehouse.access.grant("old", Role.ADMIN)
    token = runtime.warehouse.access.issue_token(
        "old", description="", at=NOW - timedelta(days=2), expires_at=NOW - timedelta(days=1)
    )
    assert call(guarded(control), "/metrics", headers=bearer(token)).status == 401


def test_a_revoked_token_and_a_withdrawn_role_end_an_open_board(runtime: Runtime) -> None:
    now = [0.0]
    control = AccessControl(runtime, None, clock=lambda: now[0])
    token = issue(runtime, "lea", Role.LEADERSHIP)
    ticket = control.issue_ticket(Identity(IdentityKind.TOKEN, token))
    assert control.principal(control.redeem_ticket(ticket)).id == "lea"
    runtime.warehouse.access.revoke_token(runtime.warehouse.access.tokens()[0].id, NOW)
    now[0] = 11.0
    with pytest.raises(Unauthenticated):
        control.principal(control.redeem_ticket(ticket))


def test_once_a_token_exists_being_local_proves_nothing(runtime: Runtime) -> None:
    issue(runtime, "grafana", Role.LEADERSHIP)
    assert call(guarded(AccessControl(runtime, None)), "/metrics").status == 401


def test_a_proxy_header_is_believed_only_from_the_proxys_address(runtime: Runtime) -> None:
    settings = runtime.settings.model_copy(
        update={"trusted_proxy_header": "X-User", "trusted_proxy_addresses": ("10.1.0.0/16",)}
    )
    behind = Runtime(settings, runtime.warehouse, runtime.now, runtime.executor)
    runtime.warehouse.access.grant("fin", Role.FINANCE)
    app = guarded(AccessControl(behind, None))
    spoofed = {"X-User": "fin"}
    assert call(app, "/metrics", headers=spoofed, peer=ELSEWHERE).status == 401
    assert call(app, "/metrics", headers=spoofed, peer=LOOPBACK).status == 401
    through = {"X-User": "fin", "X-Forwarded-For": "198.51.100.4"}
    assert call(app, "/metrics", headers=through, peer="10.1.2.3").text == "fin finance"
    assert call(app, "/metrics", headers={"X-User": "stranger"}, peer="10.1.2.3").status == 403


def test_a_proxy_header_that_came_twice_is_nobodys(runtime: Runtime) -> None:
    scope = {
        "type": "http",
        "client": ("10.1.2.3", 1),
        "headers": [(b"host", b"localhost"), (b"x-user", b"root"), (b"x-user", b"fin")],
    }
    assert caller_of(scope, "X-User").proxy_user is None
    assert caller_of({**scope, "headers": scope["headers"][:2]}, "X-User").proxy_user == "root"


def test_what_speaks_the_http_of_an_unconfigured_proxy_is_not_local() -> None:
    scope = {"type": "http", "client": ("127.0.0.1", 1), "headers": [(b"host", b"localhost:8080")]}
    assert caller_of({**scope, "http_version": "1.1"}, None).is_local
    assert not caller_of({**scope, "http_version": "1.0"}, None).is_local


def test_a_ticket_sent_by_a_caller_is_thrown_away(control: AccessControl) -> None:
    ticket = control.issue_ticket(Identity(IdentityKind.LINK, "root"))
    assert call(guarded(control), "/metrics", headers={TICKET_HEADER: ticket}, peer=ELSEWHERE).status == 401


def test_a_forged_ticket_is_refused(control: AccessControl) -> None:
    for ticket in (None, "", "x.y", control.issue_ticket(Identity(IdentityKind.LOCAL, "me")) + "0"):
        with pytest.raises(Unauthenticated):
            control.redeem_ticket(ticket)


def test_a_websocket_or_a_decision_from_another_site_is_refused(control: AccessControl) -> None:
    app = guarded(control)
    evil = {"Origin": "http://evil.example"}
    assert open_websocket(app, headers=evil) == "refused"
    assert open_websocket(app, headers={"Origin": "http://localhost:8710"}) == "accepted"
    path = "/v1/recommendations/1/decision"
    assert call(app, path, method="POST", headers=evil).status == 403
    assert call(app, path, method="POST", headers={"Sec-Fetch-Site": "cross-site"}).status == 403
    assert call(app, path, method="POST").status == 200


def test_reading_by_the_wrong_method_is_refused(control: AccessControl) -> None:
    app = guarded(control)
    assert call(app, "/metrics", method="POST").status == 405
    assert call(app, "/v1/recommendations/1/decision").status == 405


@pytest.mark.parametrize(
    "path",
    [
        "/unknown",
        "/_stcore/metrics",
        "/_stcore/script-health-check",
        "/_stcore/agent/mcp",
        "/_stcore/upload_file/a/b",
        "/component/x/y",
        "/app/static/x",
        "/auth/login",
        "/helmValues",
        "/..%2fetc/passwd",
        "//metrics",
        "/metrics/",
    ],
)
def test_a_path_without_a_policy_does_not_exist(control: AccessControl, path: str) -> None:
    assert call(guarded(control), path.replace("//", "/./")).status == 404


def test_every_answer_carries_the_security_headers(control: AccessControl) -> None:
    for answer in (
        call(guarded(control), "/healthz"),
        call(guarded(control), "/metrics", peer=ELSEWHERE),
    ):
        for name in SECURITY_HEADERS:
            assert name in answer.headers, name
        assert "default-src 'self'" in answer.headers["content-security-policy"]


def test_a_refusal_names_no_secret_and_is_not_cached(control: AccessControl) -> None:
    answer = call(
        guarded(control), "/metrics?token=<script>", peer=ELSEWHERE, headers={"Accept": "text/html"}
    )
    assert answer.headers["cache-control"] == "no-store"
    assert "<script>" not in answer.text
    assert ONE_TIME not in answer.text
