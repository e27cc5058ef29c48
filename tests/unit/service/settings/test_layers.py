"""Layers of settings, and how a wrong one is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from models.vocabulary.errors import UsageError
from service.setting_sources import load_settings


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_flag_wins_over_the_environment_and_that_over_the_file_and_that_over_the_default(
    tmp_path: Path,
) -> None:
    file = write(tmp_path / "m.yaml", "http_port: 1\nworkers: 1\nlog_level: debug\n")
    environment = {"MILLICORE_HTTP_PORT": "2", "MILLICORE_WORKERS": "2"}
    settings = load_settings(file, environment=environment, workers=3)
    assert (settings.workers, settings.http_port, settings.log_level) == (3, 2, "debug")
    assert settings.billing_zone == "UTC"


def test_a_flag_that_was_not_given_changes_nothing() -> None:
    assert load_settings(environment={"MILLICORE_WORKERS": "2"}, workers=None).workers == 2


def test_the_file_beside_the_home_folder_is_found_and_remembered(tmp_path: Path) -> None:
    file = write(tmp_path / "millicore.yaml", "reporting_currency: EUR\n")
    settings = load_settings(environment={}, home=tmp_path)
    assert (settings.reporting_currency, settings.config_file) == ("EUR", file)


def test_a_file_named_by_the_environment_must_exist(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.yaml does not exist"):
        load_settings(environment={"MILLICORE_CONFIG": str(tmp_path / "none.yaml")})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("http_prt: 1", "unknown setting 'http_prt'; did you mean http_port"),
        ("http_port: many", r"http_port has value 'many'"),
        ("[1, 2]", "must be a mapping"),
        ("a: [", "is not YAML"),
        ("billing_zone: Mars/Olympus", r"billing_zone has value 'Mars/Olympus': is not an IANA time zone"),
        ("reporting_currency: euro", r"reporting_currency has value 'euro': is not a currency code"),
        ("clusters: [{name: Prod}]", r"clusters\.0\.name has value 'Prod': is not a cluster name"),
        ("clusters: [{name: p, prometeus: {}}]", r"unknown setting clusters\.0\.prometeus"),
        ("fixed_now: '2026-11-20T00:00:00'", r"fixed_now .* has no time zone"),
    ],
)
def test_a_wrong_file_is_refused_naming_file_key_and_value(tmp_path: Path, text: str, message: str) -> None:
    file = write(tmp_path / "millicore.yaml", text)
    with pytest.raises(UsageError, match=message) as caught:
        load_settings(file, environment={})
    assert str(file) in str(caught.value)


def test_a_file_or_a_secret_that_is_no_text_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "millicore.yaml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match=r"millicore\.yaml is not UTF-8 text"):
        load_settings(file, environment={})
    (tmp_path / "token").write_bytes(b"\xff\xfe")
    secret = f"{{url: 'http://p', bearer_token_file: {tmp_path / 'token'}}}"
    write(file, f"clusters: [{{name: p, prometheus: {secret}}}]")
    with pytest.raises(UsageError, match="token is not UTF-8 text"):
        load_settings(file, environment={})


def test_an_unknown_variable_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(
        UsageError, match="unknown setting MILLICORE_LAKEURL; did you mean MILLICORE_LAKE_URL"
    ):
        load_settings(environment={"MILLICORE_LAKEURL": "x"})


def test_variables_that_kubernetes_injects_for_a_service_of_our_name_are_not_settings() -> None:
    injected = {
        "MILLICORE_SERVICE_HOST": "10.0.0.1",
        "MILLICORE_SERVICE_PORT_HTTP": "80",
        "MILLICORE_PORT": "tcp://10.0.0.1:80",
        "MILLICORE_PORT_80_TCP_ADDR": "10.0.0.1",
    }
    assert load_settings(environment=injected).http_port == 8710


def test_an_empty_variable_counts_as_not_given() -> None:
    assert load_settings(environment={"MILLICORE_LAKE_URL": ""}).lake_url is None


def test_lists_in_the_environment_are_json() -> None:
    clusters = '[{"name": "a", "prometheus": {"url": "http://p"}}]'
    settings = load_settings(environment={"MILLICORE_CLUSTERS": clusters})
    assert settings.clusters[0].name == "a"
    with pytest.raises(UsageError, match="MILLICORE_CLUSTERS is not JSON"):
        load_settings(environment={"MILLICORE_CLUSTERS": "[a"})


def test_the_variables_of_opencost_make_a_cluster_when_none_is_configured() -> None:
    environment = {"PROMETHEUS_SERVER_ENDPOINT": "http://prometheus:9090", "CLUSTER_ID": "prod-1"}
    (cluster,) = load_settings(environment=environment).clusters
    assert cluster.name == "prod-1"
    assert cluster.prometheus is not None
    assert cluster.prometheus.url == "http://prometheus:9090"
    configured = load_settings(environment=environment | {"MILLICORE_CLUSTERS": '[{"name": "own"}]'})
    assert [cluster.name for cluster in configured.clusters] == ["own"]


def test_the_clock_can_be_fixed() -> None:
    settings = load_settings(environment={"MILLICORE_FIXED_NOW": "2026-11-20T01:00:00+01:00"})
    assert settings.clock() == datetime(2026, 11, 20, tzinfo=UTC)


def test_where_the_warehouse_lies_follows_the_home_folder(tmp_path: Path) -> None:
    settings = load_settings(environment={}, home=tmp_path)
    assert settings.lake_location == str(tmp_path / "lake")
    assert settings.database_location == f"sqlite:///{tmp_path / 'millicore.db'}"
    assert settings.is_embedded
