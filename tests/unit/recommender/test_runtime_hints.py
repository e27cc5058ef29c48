import pytest

from models.vocabulary.recommendation import ResourceValues
from recommender.runtime_hints import RUNTIMES, RuntimeFacts, advise_runtime, heap_floor, lowers_memory

MIB = float(1 << 20)
LIMIT = ResourceValues(0.5, 1.5, 1024 * MIB, 1024 * MIB)


def test_a_heap_set_by_hand_needs_room_beside_it():
    assert heap_floor(RuntimeFacts("jvm", "env", heap_bytes=1024 * MIB)) == 1280 * MIB
    assert heap_floor(RuntimeFacts("jvm", "env", heap_bytes=256 * MIB)) == 384 * MIB
    assert heap_floor(RuntimeFacts("jvm", "env", heap_ratio=0.5)) is None
    assert heap_floor(None) is None


@pytest.mark.parametrize("name", RUNTIMES)
def test_the_advised_heap_and_what_is_beside_it_fit_into_the_limit(name):
    hint = advise_runtime(RuntimeFacts(name, "its image", heap_bytes=600 * MIB), LIMIT)
    assert hint.sentence.endswith(".")
    for text in hint.settings.values():
        digits = "".join(one for one in text if one.isdigit())
        assert 0 < int(digits) <= 1024


def test_java_that_follows_its_limit_gets_a_percentage_and_is_not_lowered():
    facts = RuntimeFacts("jvm", "its image")
    hint = advise_runtime(facts, LIMIT)
    assert hint.settings == {"-XX:MaxRAMPercentage": "79"}
    assert not lowers_memory(facts)
    assert lowers_memory(RuntimeFacts("go", "its image"))


def test_go_is_told_its_limit_and_its_processors():
    hint = advise_runtime(RuntimeFacts("go", "GOMEMLIMIT"), LIMIT)
    assert hint.settings == {"GOMEMLIMIT": "921MiB", "GOMAXPROCS": "2"}


def test_node_is_told_its_heap():
    hint = advise_runtime(RuntimeFacts("node", "NODE_OPTIONS"), LIMIT)
    assert hint.settings == {"NODE_OPTIONS": "--max-old-space-size=819"}


def test_without_a_runtime_or_a_memory_value_there_is_no_hint():
    assert advise_runtime(None, LIMIT) is None
    assert advise_runtime(RuntimeFacts("go", "its image"), ResourceValues(1.0)) is None
