from __future__ import annotations

import pytest

from ingest.prometheus.settings import PrometheusSettings, quote
from models.vocabulary.errors import UsageError

URL = "http://prometheus:9090"


def test_secrets_never_show_in_the_representation() -> None:
    settings = PrometheusSettings(URL, bearer_token="canary-1", headers={"X-Scope-OrgID": "canary-2"})
    basic = PrometheusSettings(URL, username="reader", password="canary-3")
    assert "canary" not in repr(settings) + repr(basic)


@pytest.mark.parametrize(
    "url",
    [
        "prometheus:9090",
        "ftp://prometheus",
        "file:///etc/passwd",
        "http://",
        "",
        "http://[::1",
        "http://h:99999",
    ],
)
def test_what_is_not_an_http_address_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="URL"):
        PrometheusSettings(url)


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "metadata.google.internal",
        "[fe80::1]",
        "[::ffff:169.254.169.254]",
        "100.100.100.200",
        "224.0.0.1",
    ],
)
def test_addresses_that_hand_out_credentials_of_the_machine_are_never_asked(host: str) -> None:
    with pytest.raises(UsageError, match="metadata"):
        PrometheusSettings(f"http://{host}/")


def test_a_user_name_in_the_url_is_refused_without_showing_its_password() -> None:
    with pytest.raises(UsageError) as refused:
        PrometheusSettings("http://reader:canary@prometheus:9090")
    assert "canary" not in str(refused.value)


def test_credentials_of_two_kinds_or_half_a_pair_are_refused() -> None:
    with pytest.raises(UsageError, match="not both"):
        PrometheusSettings(URL, bearer_token="t", username="u", password="p")
    with pytest.raises(UsageError, match="needs both"):
        PrometheusSettings(URL, username="u")


def test_a_header_with_a_line_break_is_refused_without_showing_its_value() -> None:
    with pytest.raises(UsageError, match="line break") as refused:
        PrometheusSettings(URL, headers={"X-Scope-OrgID": "canary\r\nEvil: 1"})
    assert "canary" not in str(refused.value)


def test_a_cluster_value_cannot_end_the_string_it_stands_in() -> None:
    settings = PrometheusSettings(URL, cluster_label="cluster", cluster_label_value='"} or up{a="')
    assert settings.cluster_matchers == ('cluster="\\"} or up{a=\\""',)
    assert quote("a\\b\nc") == '"a\\\\b\\nc"'


def test_cluster_label_and_value_go_together() -> None:
    with pytest.raises(UsageError, match="go together"):
        PrometheusSettings(URL, cluster_label="cluster")
    with pytest.raises(UsageError, match="not a label name"):
        PrometheusSettings(URL, cluster_label="a-b", cluster_label_value="x")


@pytest.mark.parametrize(
    "limit",
    [{"max_concurrency": 0}, {"max_concurrency": 99}, {"read_timeout_seconds": 0}, {"sample_budget": -1}],
)
def test_limits_out_of_range_are_refused(limit: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        PrometheusSettings(URL, **limit)  # type: ignore[arg-type]
