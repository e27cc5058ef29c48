import json
from pathlib import Path

import pytest

from recommender.guard_rails import proportional_limit
from recommender.rivals import (
    VpaValues,
    ack_degree,
    crane_minimum,
    hpa_replicas,
    vpa_bound,
    vpa_confidence,
    vpa_minimum,
    vpa_target,
)


@pytest.fixture(scope="module")
def vectors(shared_folder: Path) -> dict:
    return json.loads((shared_folder / "vectors" / "rightsizing.json").read_text())


def test_confidence_and_bounds_equal_vpas(vectors):
    first, second, nothing = vectors["vpa_confidence"]
    lifespan = (first["samples"] - 1) * first["spacing_min"]
    confidence = vpa_confidence(first["samples"], lifespan, 1440)
    assert confidence == first["confidence"]
    base = VpaValues(first["base_cpu"], first["base_mem"])
    scaled = vpa_bound(base, confidence, first["mult"], first["exp"])
    assert scaled.cpu_cores == pytest.approx(first["cpu"], abs=0.01)
    assert scaled.memory_bytes == pytest.approx(first["mem"], abs=1.0)
    confidence = vpa_confidence(second["samples"], lifespan, 18)
    assert confidence == second["confidence"]
    scaled = vpa_bound(base, confidence, first["mult"], first["exp"])
    assert scaled.cpu_cores == second["cpu_truncated_to_milli"]
    assert scaled.memory_bytes == pytest.approx(second["mem"], abs=1.0)
    assert nothing["samples"] == 0
    assert vpa_bound(base, 0.0, 0.1, 1).memory_bytes == nothing["upper"]
    assert vpa_bound(base, 0.0, 0.1, -1).cpu_cores == nothing["lower"]


def test_minimum_resources_are_shared_by_containers(vectors):
    alone, shared = vectors["vpa_min_resources"]
    assert vpa_minimum(1) == VpaValues(alone["cpu_m"] / 1000, alone["mem_bytes"])
    assert vpa_minimum(2) == VpaValues(shared["cpu_m_each"] / 1000, shared["mem_bytes_each"])


@pytest.mark.parametrize(("cpu", "expected"), [(0.5108, 0.586), (0.01, 0.025)])
def test_targets_are_truncated_and_have_a_floor(cpu, expected):
    assert vpa_target(cpu, 1e9).cpu_cores == expected


def test_limits_keep_their_ratio(vectors):
    for case in vectors["vpa_proportional_limit"]:
        limit = case["limit"] if case["limit"] is not None else case.get("default")
        found = proportional_limit(limit, case["request"], case["rec"])
        if "out_cpu_m" in case:
            assert int(found * 1000) == case["out_cpu_m"]
        elif "out_mem" in case:
            assert int(found) == case["out_mem"]
        else:
            assert found == case["out"]


def test_replicas_are_rounded_up(vectors):
    case = vectors["hpa"]
    assert hpa_replicas(case["pods"], case["target"]) == case["ceil"]


def test_crane_never_answers_less_than_one_bucket():
    assert crane_minimum() == VpaValues(0.114, 120_586_239)


@pytest.mark.parametrize(
    ("profile", "buffer", "request_", "degree", "verdict"),
    [(1.0, 0.2, 2.0, -0.667, "down"), (1.0, 0.2, 1.25, -0.042, "keep"), (1.0, 0.2, 0.9, 0.25, "up")],
)
def test_ack_grades_a_change(profile, buffer, request_, degree, verdict):
    assert ack_degree(profile, buffer, request_) == (pytest.approx(degree, abs=1e-3), verdict)
