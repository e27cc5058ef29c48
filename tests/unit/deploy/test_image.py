"""What the Dockerfile promises, read from the file: no container engine runs where the tests do."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

Instruction = tuple[str, str]


@pytest.fixture(scope="module")
def dockerfile(request: pytest.FixtureRequest) -> list[Instruction]:
    repository: Path = request.getfixturevalue("repository")
    text = (repository / "deploy" / "Dockerfile").read_text()
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", "\n\0")
    lines = text.replace("\n\0", "\\\n").split("\n")
    joined: list[str] = []
    for line in lines:
        if joined and joined[-1].endswith("\\"):
            joined[-1] = joined[-1][:-1] + "\n" + line
        elif line.strip():
            joined.append(line)
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in joined]


def values(dockerfile: list[Instruction], name: str) -> list[str]:
    return [value for instruction, value in dockerfile if instruction == name]


def environment(dockerfile: list[Instruction]) -> dict[str, str]:
    return dict(re.findall(r"(\w+)=(\S+)", values(dockerfile, "ENV")[-1]))


def test_the_base_is_slim_python_3_11_with_a_fixed_tag(dockerfile: list[Instruction]) -> None:
    assert values(dockerfile, "ARG") == ["PYTHON_IMAGE=python:3.11-slim-bookworm"]
    assert all(value.startswith("${PYTHON_IMAGE}") for value in values(dockerfile, "FROM"))


def test_packages_are_installed_by_hash_from_the_lock_and_nothing_else_is(
    dockerfile: list[Instruction],
) -> None:
    installs = [value for value in values(dockerfile, "RUN") if "install" in value and "pip" in value]
    assert len(installs) == 1
    assert "--require-hashes" in installs[0]
    assert "-r requirements/runtime.txt" in installs[0]
    assert not any(
        word in value for value in values(dockerfile, "RUN") for word in ("curl", "wget", "apt-get")
    )


def test_the_lock_has_a_hash_for_every_package(repository: Path) -> None:
    lock = (repository / "requirements" / "runtime.txt").read_text()
    packages = re.split(r"\n(?=\S)", lock.strip())
    assert packages
    assert all("--hash=sha256:" in package for package in packages)
    assert "://" not in lock, "the lock names no host"


def test_it_runs_as_nobody_in_particular_and_needs_no_writable_root(dockerfile: list[Instruction]) -> None:
    assert values(dockerfile, "USER") == ["10001:10001"]
    last_copy = max(i for i, (name, _) in enumerate(dockerfile) if name in ("COPY", "RUN"))
    assert last_copy < next(i for i, (name, _) in enumerate(dockerfile) if name == "USER")
    variables = environment(dockerfile)
    assert variables["MILLICORE_HOME"] == "/data"
    assert variables["HOME"] == "/tmp"
    assert variables["PYTHONDONTWRITEBYTECODE"] == "1"
    assert values(dockerfile, "VOLUME") == ["/data"]


def test_no_secret_is_built_in(dockerfile: list[Instruction]) -> None:
    text = "\n".join(value for name, value in dockerfile if name in ("ENV", "ARG"))
    assert not re.search(r"(?i)password|token|secret|key=", text)


def test_health_is_asked_of_healthz_with_what_the_image_has(dockerfile: list[Instruction]) -> None:
    (check,) = values(dockerfile, "HEALTHCHECK")
    command = ast.literal_eval(check[check.index("[") :])
    assert command[:2] == ["python", "-c"]
    compile(command[2], "HEALTHCHECK", "exec")
    assert "127.0.0.1:8710/healthz" in command[2]
    assert environment(dockerfile)["MILLICORE_HTTP_PORT"] == "8710" == values(dockerfile, "EXPOSE")[0]


def test_one_image_serves_and_schedules(dockerfile: list[Instruction]) -> None:
    assert values(dockerfile, "ENTRYPOINT") == ['["millicore"]']
    assert values(dockerfile, "CMD") == ['["serve"]']


def test_every_variable_of_the_image_is_a_setting(dockerfile: list[Instruction]) -> None:
    from service.setting_sources import load_settings

    ours = {name: value for name, value in environment(dockerfile).items() if name.startswith("MILLICORE_")}
    settings = load_settings(environment=ours)
    assert (str(settings.home), settings.http_host, settings.http_port) == ("/data", "0.0.0.0", 8710)


def test_all_packages_of_the_distribution_are_in_the_image(
    dockerfile: list[Instruction], repository: Path
) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text())
    packages = {name.rstrip("*") for name in project["tool"]["setuptools"]["packages"]["find"]["include"]}
    copied = {value.split()[0] for value in values(dockerfile, "COPY")}
    assert packages <= copied


def test_everything_copied_exists_and_is_sent_to_the_builder(
    dockerfile: list[Instruction], repository: Path
) -> None:
    rules = [
        line for line in (repository / ".dockerignore").read_text().splitlines() if line and line[0] != "#"
    ]
    assert rules[0] == "*"
    for value in values(dockerfile, "COPY"):
        if "--from=" in value:
            continue
        sources = [word for word in value.split()[:-1] if not word.startswith("--")]
        for source in sources:
            assert (repository / source).exists(), source
            assert f"!{source}" in rules, source


@pytest.mark.parametrize("path", ["deploy/private/database_url", ".git/config", ".millicore/millicore.db"])
def test_private_files_and_data_are_never_sent_to_the_builder(path: str, repository: Path) -> None:
    rules = [
        line for line in (repository / ".dockerignore").read_text().splitlines() if line and line[0] != "#"
    ]
    kept = [rule[1:] for rule in rules if rule.startswith("!")]
    assert not any(fnmatch(path, f"{rule}*") for rule in kept)


def test_the_command_of_the_image_is_the_entry_point_of_the_distribution(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text())
    module, function = project["project"]["scripts"]["millicore"].split(":")
    script = (repository / "deploy" / "millicore").read_text()
    assert f"from {module} import {function}" in script
    assert 'if __name__ == "__main__":' in script
    answer = subprocess.run(
        [sys.executable, repository / "deploy" / "millicore", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "scheduler" in answer.stdout


def test_the_metadata_step_writes_what_the_version_command_reads(
    dockerfile: list[Instruction], repository: Path, tmp_path: Path
) -> None:
    (step,) = (value for value in values(dockerfile, "RUN") if "METADATA" in value)
    # a shell removes the line continuations inside double quotes
    program = step[step.index('"') + 1 : step.rindex('"')].replace("\n", "")
    program = program.replace("/opt/millicore/lib/python3.11/site-packages", str(tmp_path))
    subprocess.run([sys.executable, "-c", program], check=True, cwd=repository)
    read = (
        "import importlib.metadata as m, sys; sys.path.insert(0, sys.argv[1]); print(m.version(sys.argv[2]))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", read, tmp_path, "millicore"], capture_output=True, text=True, check=True
    )
    project = tomllib.loads((repository / "pyproject.toml").read_text())
    assert answer.stdout.strip() == project["project"]["version"]
