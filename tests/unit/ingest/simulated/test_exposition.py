import io

import numpy as np

from ingest.simulated.exposition import Family, ScrapeGrid, Series, write_family


def written(family: Family, grid: ScrapeGrid) -> list[str]:
    file = io.StringIO()
    write_family(file, family, grid)
    return file.getvalue().splitlines()


def test_a_series_has_the_scrapes_of_its_life_and_none_in_a_gap() -> None:
    grid = ScrapeGrid(0, 300, 60, 10, [(60, 120, None), (180, 240, 2)])
    lines = written(Family("up", "gauge", [Series({"a": "b"}, 0, 300, 1.0)]), grid)
    assert lines == [
        "# TYPE up gauge",
        'up{a="b"} 1 10',
        'up{a="b"} 1 130',
        'up{a="b"} 1 190',
        'up{a="b"} 1 250',
    ]
    of_node = written(Family("up", "gauge", [Series({}, 0, 300, np.arange(5.0), 2)]), grid)
    assert of_node[1:] == ["up{} 0.000000 10", "up{} 2.000000 130", "up{} 4.000000 250"]


def test_counters_are_typed_without_their_suffix_and_labels_escaped() -> None:
    grid = ScrapeGrid(0, 60, 60, 0, [])
    series = Series({"name": 'a"b\\c', "empty": ""}, 0, 60, np.array([2.6]), is_integer=True)
    lines = written(Family("cpu_seconds_total", "counter", [series]), grid)
    assert lines == ["# TYPE cpu_seconds counter", 'cpu_seconds_total{name="a\\"b\\\\c"} 3 0']


def test_a_family_without_samples_leaves_no_trace() -> None:
    grid = ScrapeGrid(0, 60, 60, 0, [])
    assert written(Family("up", "gauge", [Series({}, 100, 200, 1.0)]), grid) == []
