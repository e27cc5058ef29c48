"""What happens when the server is wrong, slow, busy or unwilling; each fault as it looks on the wire."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from support.prometheus_stub import (
    QUERY_TIMEOUT,
    TOO_MANY_POINTS,
    TOO_MANY_SAMPLES,
    StubAnswer,
    StubRequest,
    failure,
    matrix,
    run_stub,
)

from ingest.prometheus.connection import PrometheusConnection
from ingest.prometheus.engine import QueryEngine
from ingest.prometheus.pacing import RetryBudget
from ingest.prometheus.queries import FleetQuery
from ingest.prometheus.selectors import select
from ingest.prometheus.settings import PrometheusSettings
from models.vocabulary.errors import SourceError, SourceRefused, SourceUnreachable
from models.vocabulary.windows import HourWindow

START = datetime(2026, 11, 1, tzinfo=UTC)
DAY = HourWindow(START, START + timedelta(hours=24))
NAMESPACES = ["a", "b", "c.d", 'e"} or up{x="']
QUERY = FleetQuery("usage", lambda matchers: select("metric", *matchers))


def open_engine(url: str, **settings: object) -> tuple[QueryEngine, list[float]]:
    waits: list[float] = []
    connection = PrometheusConnection(PrometheusSettings(url, **settings))  # type: ignore[arg-type]
    return QueryEngine(
        connection, budget=lambda s: RetryBudget(s, sleep=waits.append, draw=lambda: 0.5)
    ), waits


def answer_every_step(request: StubRequest) -> StubAnswer:
    """Answer one series per namespace that the query selects, its value telling namespace and time."""
    if request.path.endswith("/values"):
        import json

        return StubAnswer(body=json.dumps({"status": "success", "data": NAMESPACES}).encode())
    start, end, step = (int(request.form[name]) for name in ("start", "end", "step"))
    pattern = re.search(r'namespace=~"(.*)"}', request.form["query"])
    names = NAMESPACES
    if pattern:
        unquoted = pattern[1].replace('\\"', '"').replace("\\\\", "\\")
        names = [name for name in NAMESPACES if re.fullmatch(unquoted, name)]
    moments = range(start, end + 1, step)
    return matrix(
        *(({"namespace": n}, [(t, str(NAMESPACES.index(n) * 10**10 + t)) for t in moments]) for n in names)
    )


def rows(engine: QueryEngine, window: HourWindow = DAY) -> list[tuple[str, int, float]]:
    frame = engine.run([QUERY], window)["usage"]
    names = [frame.labels[series]["namespace"] for series in frame.series]
    return sorted(zip(names, frame.steps.tolist(), frame.values.tolist(), strict=True))


@pytest.mark.parametrize("refusal", [TOO_MANY_SAMPLES, TOO_MANY_POINTS, QUERY_TIMEOUT])
def test_a_range_that_is_too_large_is_split_by_time_and_the_size_is_remembered(refusal: StubAnswer) -> None:
    with run_stub(lambda r, _: answer_every_step(r)) as healthy:
        unsplit = rows(open_engine(healthy.url)[0])

    with run_stub(lambda r, _: refusal if r.hours > 5 else answer_every_step(r)) as stub:
        engine, waits = open_engine(stub.url)
        assert rows(engine) == unsplit
        assert waits == []
        asked_before = len(stub.requests)
        assert rows(engine) == unsplit
        assert all(r.hours <= 5 for r in stub.requests[asked_before:])


def test_an_hour_that_is_too_large_is_split_by_namespace_whatever_namespaces_are_called() -> None:
    with run_stub(lambda r, _: answer_every_step(r)) as healthy:
        unsplit = rows(open_engine(healthy.url)[0])

    def behave(request: StubRequest, number: int) -> StubAnswer:
        answer = answer_every_step(request)
        is_large = request.path.endswith("query_range") and answer.body.count(b'"metric"') > 1
        return TOO_MANY_SAMPLES if is_large else answer

    with run_stub(behave) as stub:
        assert rows(open_engine(stub.url)[0]) == unsplit


def test_what_cannot_be_split_further_fails_with_the_reason() -> None:
    def behave(request: StubRequest, number: int) -> StubAnswer:
        return TOO_MANY_SAMPLES if request.path.endswith("query_range") else answer_every_step(request)

    with (
        run_stub(behave) as stub,
        pytest.raises(SourceError, match=r"usage: one hour is too much.*too many samples"),
    ):
        rows(open_engine(stub.url)[0])


def test_answers_stay_within_the_budget_of_samples() -> None:
    with run_stub(lambda r, _: answer_every_step(r)) as stub:
        engine, _ = open_engine(stub.url, sample_budget=2 * 12 * len(NAMESPACES))
        rows(engine)
        rows(engine)
        assert max(r.hours for r in stub.requests[2:]) < 2


def test_a_busy_server_is_asked_again_after_the_time_it_asks_for_with_less_concurrency() -> None:
    busy = failure(429, "too_many_requests", "slow down", Retry_After="3")
    with run_stub(lambda r, n: busy if n <= 2 else answer_every_step(r)) as stub:
        engine, waits = open_engine(stub.url)
        assert len(rows(engine)) == 288 * len(NAMESPACES)
        assert waits == [3.25, 3.5]
        assert engine.allowed_concurrency < 4
        assert engine.load.retry_count == 2


@pytest.mark.parametrize(
    "trouble",
    [StubAnswer(503, b"<html>unavailable</html>"), StubAnswer(502, b""), StubAnswer(drops_connection=True)],
)
def test_a_server_that_is_away_for_a_moment_is_asked_again(trouble: StubAnswer) -> None:
    with run_stub(lambda r, n: trouble if n == 1 else answer_every_step(r)) as stub:
        assert len(rows(open_engine(stub.url)[0])) == 288 * len(NAMESPACES)


def test_a_server_that_stays_away_fails_after_the_retries_and_names_the_query() -> None:
    with run_stub(lambda r, n: StubAnswer(503, b"gone")) as stub:
        engine, waits = open_engine(stub.url, retry_limit=3)
        with pytest.raises(SourceUnreachable, match=r"query usage failed 4 times.*503"):
            rows(engine)
        assert len(stub.requests) == 4
        assert len(waits) == 3


def test_waiting_ends_when_the_budget_of_the_window_is_spent() -> None:
    busy = failure(429, "x", "y", Retry_After="50")
    with run_stub(lambda r, n: busy) as stub:
        engine, waits = open_engine(stub.url, retry_budget_seconds=120, retry_limit=100)
        with pytest.raises(SourceUnreachable):
            rows(engine)
        assert sum(waits) <= 120


def test_nothing_listening_is_named_with_the_address() -> None:
    engine, _ = open_engine("http://127.0.0.1:9", retry_limit=0)
    with pytest.raises(SourceUnreachable, match=r"no connection to http://127\.0\.0\.1:9.*refused"):
        rows(engine)


@pytest.mark.parametrize(("status", "word"), [(401, "401"), (403, "403")])
def test_refused_credentials_are_named_and_never_shown_nor_tried_again(status: int, word: str) -> None:
    with run_stub(lambda r, n: StubAnswer(status, b"no")) as stub:
        engine, _ = open_engine(stub.url, bearer_token="canary-token")
        with pytest.raises(SourceRefused, match=word) as refused:
            rows(engine)
        assert "canary" not in str(refused.value)
        assert len(stub.requests) == 1


def test_missing_credentials_are_asked_for() -> None:
    with (
        run_stub(lambda r, n: StubAnswer(401, b"no")) as stub,
        pytest.raises(SourceRefused, match="wants credentials"),
    ):
        rows(open_engine(stub.url)[0])


def test_redirects_are_named_and_not_followed_so_that_credentials_stay() -> None:
    with run_stub(lambda r, n: answer_every_step(r)) as elsewhere:
        target = StubAnswer(302, b"", {"Location": f"{elsewhere.url}/login"})
        with run_stub(lambda r, n: target) as stub:
            engine, _ = open_engine(stub.url, bearer_token="canary-token", headers={"X-Scope-OrgID": "team"})
            with pytest.raises(SourceRefused, match="redirects to"):
                rows(engine)
            connection = PrometheusConnection(PrometheusSettings(stub.url, bearer_token="canary-token"))
            with pytest.raises(SourceRefused, match="redirects to"):
                connection.label_values("namespace", 0, 1, ())
        assert elsewhere.requests == []


@pytest.mark.parametrize(
    "answer",
    [
        StubAnswer(body=b"<!doctype html><title>Sign in</title>"),
        StubAnswer(body=b'{"status":"success","data":{"resultType":"matrix","result":[{"metric"'),
    ],
)
def test_an_answer_of_another_kind_or_cut_off_is_refused(answer: StubAnswer) -> None:
    with (
        run_stub(lambda r, n: answer) as stub,
        pytest.raises(SourceUnreachable, match="as a Prometheus API does"),
    ):
        rows(open_engine(stub.url)[0])


def test_a_body_shorter_than_announced_is_asked_for_again() -> None:
    cut = StubAnswer(body=b'{"status":"succ', headers={"Content-Length": "500"})
    with run_stub(lambda r, n: cut if n == 1 else answer_every_step(r)) as stub:
        assert len(rows(open_engine(stub.url, read_timeout_seconds=2)[0])) == 288 * len(NAMESPACES)


def test_a_wrong_path_is_named() -> None:
    with (
        run_stub(lambda r, n: StubAnswer(404, b"not found")) as stub,
        pytest.raises(SourceUnreachable, match="path prefix"),
    ):
        rows(open_engine(f"{stub.url}/wrong")[0])


def test_an_answer_slower_than_the_timeout_is_asked_for_in_smaller_ranges() -> None:
    def behave(request: StubRequest, number: int) -> StubAnswer:
        answer = answer_every_step(request)
        return StubAnswer(body=answer.body, delay_seconds=1.0) if request.hours > 12 else answer

    with run_stub(behave) as stub:
        engine, _ = open_engine(stub.url, read_timeout_seconds=0.4)
        assert len(rows(engine)) == 288 * len(NAMESPACES)


def test_an_answer_that_drips_in_does_not_hold_up_for_longer_than_the_timeout() -> None:
    def behave(request: StubRequest, number: int) -> StubAnswer:
        answer = answer_every_step(request)
        return StubAnswer(body=answer.body, drip_seconds=0.05) if request.hours > 12 else answer

    with run_stub(behave) as stub:
        engine, _ = open_engine(stub.url, read_timeout_seconds=0.5)
        assert len(rows(engine)) == 288 * len(NAMESPACES)


def test_an_answer_larger_than_allowed_is_asked_for_in_smaller_ranges() -> None:
    with run_stub(lambda r, _: answer_every_step(r)) as stub:
        engine, _ = open_engine(stub.url, answer_limit_bytes=20_000)
        assert len(rows(engine)) == 288 * len(NAMESPACES)


def test_warnings_are_kept_for_the_hours_they_speak_of() -> None:
    def behave(request: StubRequest, number: int) -> StubAnswer:
        if request.hours > 12:
            return TOO_MANY_SAMPLES
        return matrix(warnings=["store gateway down"]) if number == 2 else answer_every_step(request)

    with run_stub(behave) as stub:
        frame = open_engine(stub.url)[0].run([QUERY], DAY)["usage"]
    assert {hour for hour, _ in frame.warnings} == set(range(12))


def test_credentials_tenant_and_form_body_are_sent() -> None:
    with run_stub(lambda r, n: answer_every_step(r)) as stub:
        rows(
            open_engine(stub.url, username="reader", password="secret", headers={"X-Scope-OrgID": "shop"})[0]
        )
        request = stub.requests[0]
    assert request.method == "POST"
    assert request.headers["Authorization"].startswith("Basic ")
    assert request.headers["X-Scope-OrgID"] == "shop"
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_no_more_queries_run_at_once_than_allowed() -> None:
    def behave(request: StubRequest, number: int) -> StubAnswer:
        answer = answer_every_step(request)
        return StubAnswer(body=answer.body, delay_seconds=0.05)

    with run_stub(behave) as stub:
        engine, _ = open_engine(stub.url, max_concurrency=3)
        engine.run([FleetQuery(f"q{i}", QUERY.render) for i in range(12)], DAY)
        assert stub.most_at_once == 3
