"""From a stored suggestion to a patch, a changed cluster and back, as a person types it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from support.applying_world import ApplyingWorld, applying_world, deployment, owned_by
from typer.testing import CliRunner, Result

from service.cli.app import app

Run = Callable[..., Result]


def opened(
    folder: Path, *objects: dict[str, object], enabled: bool = True
) -> Iterator[tuple[ApplyingWorld, Run]]:
    with applying_world(folder, *objects) as world:
        config = {
            "fixed_now": "2026-10-14T12:00:00Z",
            "apply_enabled": enabled,
            "clusters": [{"name": "alpha", "kubeconfig": str(folder / "kubeconfig")}],
        }
        path = folder / "millicore.yaml"
        path.write_text(yaml.safe_dump(config))
        common = ("--home", str(folder / "home"), "--config", str(path))
        yield world, lambda *words: CliRunner().invoke(app, [*words, *common])


@pytest.fixture
def open_world(tmp_path: Path) -> Iterator[tuple[ApplyingWorld, Run]]:
    yield from opened(tmp_path, deployment())


def test_a_suggestion_is_asked_for_applied_listed_and_taken_back(
    open_world: tuple[ApplyingWorld, Run],
) -> None:
    world, run = open_world
    plan = run("recommend", "plan", world.id[:6], "--output", "json")
    assert json.loads(plan.stdout)[0]["channel"] == "live"
    dry = run("recommend", "apply", world.id[:6], "--dry-run")
    assert dry.exit_code == 0, dry.stderr
    assert "nothing changed" in dry.stderr
    assert world.resources()["requests"]["cpu"] == "1"
    done = run("recommend", "apply", world.id[:6], "--output", "json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)[0]["result"] == "applied"
    assert world.resources()["requests"]["cpu"] == "500m"
    assert run("recommend", "rollback", world.id[:6]).exit_code == 0
    assert world.resources()["requests"]["cpu"] == "1"
    rows = json.loads(run("recommend", "attempts", world.id[:6], "--output", "json").stdout)
    assert [(row["action"], row["is_dry_run"], row["result"]) for row in rows] == [
        ("rollback", False, "applied"),
        ("rollback", True, "passed"),
        ("apply", False, "applied"),
        ("apply", True, "passed"),
        ("apply", True, "passed"),
    ]


def test_a_conflict_ends_with_1_and_names_the_manager(tmp_path: Path) -> None:
    for world, run in opened(tmp_path, owned_by("kubectl-edit")):
        found = run("recommend", "apply", world.id[:6])
        assert found.exit_code == 1
        assert 'conflicts with "kubectl-edit"' in found.stderr
        assert "another field manager owns the values" in found.stderr


def test_switched_off_it_is_a_usage_error_that_names_the_setting(tmp_path: Path) -> None:
    for world, run in opened(tmp_path, deployment(), enabled=False):
        found = run("recommend", "apply", world.id[:6])
        assert found.exit_code == 2
        assert "apply_enabled" in found.stderr


@pytest.mark.parametrize(
    ("form", "holds"),
    [
        ("strategic", '"500m"'),
        ("json", '"/spec/template/spec/containers/1/name"'),
        ("kubectl", "--requests=cpu=500m,memory=1Gi"),
        ("kustomize", "patches:"),
        ("helm", "is a guess"),
        ("resize", "--subresource resize"),
    ],
)
def test_every_form_is_printed_and_says_who_owns_the_field(
    open_world: tuple[ApplyingWorld, Run], form: str, holds: str
) -> None:
    world, run = open_world
    found = run("recommend", "patch", world.id[:6], "--format", form)
    assert found.exit_code == 0, found.stderr
    assert holds in found.stdout
    assert "note: live: no tool claims this Deployment" in found.stderr


def test_a_git_patch_is_written_to_a_file_and_a_rollback_beside_it(
    open_world: tuple[ApplyingWorld, Run], tmp_path: Path
) -> None:
    world, run = open_world
    manifest = tmp_path / "web.yaml"
    manifest.write_text(yaml.safe_dump(deployment(), sort_keys=False))
    target = tmp_path / "change.patch"
    found = run("recommend", "patch", world.id[:6], "--git", str(manifest), "--output-file", str(target))
    assert found.exit_code == 0, found.stderr
    lines = [line for line in target.read_text().splitlines() if line[:1] in "+-"][2:]
    assert [line[0] + line[1:].strip() for line in lines] == [
        "-cpu: '1'",
        "-memory: 2Gi",
        "+cpu: '500m'",
        "+memory: 1Gi",
    ]
    back = run("recommend", "patch", world.id[:6], "--git", str(manifest), "--rollback")
    assert back.exit_code == 1
    assert "has these values already" in back.stderr
    assert run("recommend", "patch", world.id[:6], "--format", "git").exit_code == 2
