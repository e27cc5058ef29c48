"""What compose.yaml promises, read from the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from service.setting_sources import load_settings

Service = dict[str, Any]


@pytest.fixture(scope="module")
def compose(request: pytest.FixtureRequest) -> dict[str, Any]:
    repository: Path = request.getfixturevalue("repository")
    content: dict[str, Any] = yaml.safe_load((repository / "deploy" / "compose.yaml").read_text())
    return content


def ours(compose: dict[str, Any]) -> dict[str, Service]:
    return {name: s for name, s in compose["services"].items() if s["image"].startswith("millicore:")}


def test_it_runs_boards_scheduler_and_migrations_from_one_image(compose: dict[str, Any]) -> None:
    services = ours(compose)
    assert {name: service["command"] for name, service in services.items()} == {
        "migrate": ["migrate"],
        "serve": ["serve"],
        "scheduler": ["scheduler"],
    }
    assert len({service["image"] for service in services.values()}) == 1


def test_every_published_port_is_on_loopback(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", ())]
    assert ports == ["127.0.0.1:8710:8710"]
    assert not any("network_mode" in service for service in compose["services"].values())


def test_images_have_fixed_tags(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        _, _, tag = service["image"].rpartition(":")
        assert tag not in ("", "latest")
        assert "/" not in tag


def test_our_containers_have_a_read_only_root_and_no_capability(compose: dict[str, Any]) -> None:
    for service in ours(compose).values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert "cap_add" not in service
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "user" not in service, "the image's own user, 10001, holds"
        assert service["volumes"] == ["lake:/data"]
        assert any(mount.startswith("/tmp") for mount in service["tmpfs"])


def test_no_container_is_privileged_or_sees_the_engine(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        assert "privileged" not in service
        assert not any("docker.sock" in volume for volume in service.get("volumes", ()))


def test_secrets_come_from_files_only(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            if any(
                word in name for word in ("PASSWORD", "SECRET", "TOKEN", "DATABASE_URL", "STORAGE_OPTIONS")
            ):
                assert name.endswith("_FILE"), name
                assert value.startswith("/run/secrets/")
    assert all(secret["file"].startswith("./private/") for secret in compose["secrets"].values())


def test_every_secret_is_declared(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        assert set(service.get("secrets", ())) <= set(compose["secrets"])


def test_private_files_stay_out_of_git(repository: Path) -> None:
    lines = (repository / "deploy" / "private" / ".gitignore").read_text().splitlines()
    assert [line for line in lines if line and line[0] != "#"] == ["*", "!.gitignore"]


def test_every_variable_is_a_setting(compose: dict[str, Any], tmp_path: Path) -> None:
    contents = {
        "/run/secrets/settings": "clusters: []",
        "/run/secrets/database_url": "postgresql+psycopg://millicore:x@database:5432/millicore",
        "/run/secrets/storage_options": "{}",
    }
    for service in ours(compose).values():
        variables = {}
        for name, value in service["environment"].items():
            if value in contents:
                path = tmp_path / Path(value).name
                path.write_text(contents[value])
                value = str(path)
            variables[name] = value.replace("${MILLICORE_LAKE_URL:-}", "").replace(
                "${MILLICORE_LOG_LEVEL:-info}", "info"
            )
        settings = load_settings(environment=variables)
        assert settings.database_location.startswith("postgresql+psycopg://")
        assert settings.lake_location == "/data/lake"


def test_the_example_settings_are_valid(repository: Path) -> None:
    settings = load_settings(repository / "deploy" / "millicore.example.yaml", environment={})
    (cluster,) = settings.clusters
    assert str(cluster.kubeconfig) == "/run/secrets/kubeconfig"


def test_nothing_starts_on_a_database_that_is_not_migrated(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert services["migrate"]["depends_on"] == {"database": {"condition": "service_healthy"}}
    for name in ("serve", "scheduler"):
        assert services[name]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}


def test_the_s3_store_runs_on_request_only(compose: dict[str, Any]) -> None:
    assert [name for name, service in compose["services"].items() if "profiles" in service] == ["store"]


def test_every_file_that_the_readme_tells_of_is_used(compose: dict[str, Any], repository: Path) -> None:
    readme = (repository / "deploy" / "README.md").read_text()
    for secret in compose["secrets"].values():
        assert f"deploy/{secret['file'].removeprefix('./')}" in readme, secret
