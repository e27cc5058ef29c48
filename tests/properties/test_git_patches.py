"""Whatever way a manifest is written, a Git patch changes one container's CPU and memory or is refused."""

from __future__ import annotations

import copy
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from support.recommendations import suggestion

from models.kubernetes.templates import are_same_values, find_container, template_containers
from models.vocabulary.errors import Conflict, InputError
from models.vocabulary.recommendation import ResourceValues
from service.patches.change import ResourceChange, change_of, full_sections
from service.patches.manifests import git_patch

CORES = st.one_of(st.none(), st.integers(1, 8_000).map(lambda number: number / 1000))
SIZES = st.one_of(st.none(), st.integers(1, 4096).map(lambda number: number * 2.0**20))


def in_order(pair: tuple[float | None, float | None]) -> tuple[float | None, float | None]:
    request, limit = pair
    return pair if request is None or limit is None or request <= limit else (limit, request)


@st.composite
def values(draw: st.DrawFn) -> ResourceValues:
    cpu = in_order((draw(CORES), draw(CORES)))
    memory = in_order((draw(SIZES), draw(SIZES)))
    return ResourceValues(*cpu, *memory)


@st.composite
def manifests(draw: st.DrawFn) -> tuple[str, ResourceChange]:
    before, after = draw(values()), draw(values())
    resources: dict[str, Any] = copy.deepcopy(full_sections(before))
    if draw(st.booleans()):
        resources.setdefault("requests", {})["ephemeral-storage"] = "1Gi"
    app: dict[str, Any] = {"name": "app", "image": "app:1"}
    if resources or draw(st.booleans()):
        app["resources"] = resources
    if draw(st.booleans()):
        app["args"] = ["--cpu=1", "resources:\n  requests:\n    cpu: 1\n", "# no comment"]
    others = [
        {"name": f"c{n}", "resources": {"requests": {"cpu": "1"}}} for n in range(draw(st.integers(0, 2)))
    ]
    containers = draw(st.permutations([app, *others]))
    document = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "labels": {"é": "ü"}},
        "spec": {"template": {"spec": {"containers": containers}}},
    }
    style = draw(st.sampled_from([False, None, True]))
    text = yaml.safe_dump_all(
        [{"kind": "Service", "metadata": {"name": "web"}}, document],
        default_flow_style=style,
        indent=draw(st.integers(2, 4)),
        sort_keys=draw(st.booleans()),
        allow_unicode=True,
        explicit_start=draw(st.booleans()),
    )
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    return text, replace(change_of(suggestion()), before=with_requests(before), after=after)


def with_requests(found: ResourceValues) -> ResourceValues:
    """Return values as the API sees them: a limit without a request is also the request."""
    return replace(
        found,
        cpu_request_cores=found.cpu_limit_cores
        if found.cpu_request_cores is None
        else found.cpu_request_cores,
        memory_request_bytes=found.memory_limit_bytes
        if found.memory_request_bytes is None
        else found.memory_request_bytes,
    )


def takes_away(change: ResourceChange) -> bool:
    """Say whether a value goes: the one thing that some ways of writing do not allow."""
    pairs = zip(vars(change.before).values(), vars(change.after).values(), strict=True)
    return any(old is not None and new is None for old, new in pairs)


def loaded(text: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(text))


@given(manifests())
def test_one_container_changes_or_nothing_does(given_case: tuple[str, ResourceChange]) -> None:
    text, change = given_case
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "web.yaml"
        path.write_bytes(text.encode())
        if are_same_values(change.before, change.after):
            with pytest.raises(Conflict, match="already"):
                git_patch(change, [path])
            return
        try:
            patch = git_patch(change, [path]).text
        except InputError:
            if not takes_away(change):
                raise
            return
        after = patched(patch, text)
    service, document = loaded(after)
    spec = document["spec"]["template"]["spec"]
    found = find_container(template_containers(spec), "app")
    assert found is not None
    assert are_same_values(found.values, with_requests(change.after))
    (service_before, before) = loaded(text)
    assert service == service_before
    for one, other in zip(spec["containers"], before["spec"]["template"]["spec"]["containers"], strict=True):
        kept, was = (
            {name: value for name, value in container.items() if name != "resources"}
            for container in (one, other)
        )
        assert kept == was
        if one["name"] != "app":
            assert one == other
    assert after.count("\r\n") == (after.count("\n") if "\r\n" in text else 0)


def patched(patch: str, text: str) -> str:
    """Carry out a unified diff by hand: context must match, line for line."""
    lines, result, position = text.split("\n"), [], 0
    hunks = patch.split("\n")[2:]
    for line in hunks[:-1] if hunks[-1] == "" else hunks:
        if line.startswith("@@"):
            start = int(line.split()[1].partition(",")[0][1:]) - 1
            result += lines[position : max(start, 0)]
            position = max(start, 0)
        elif line.startswith("-"):
            assert lines[position] == line[1:]
            position += 1
        elif line.startswith("+"):
            result.append(line[1:])
        elif line.startswith(" "):
            assert lines[position] == line[1:]
            result.append(line[1:])
            position += 1
    return "\n".join([*result, *lines[position:]])
