import pytest

from models.vocabulary.errors import InputError
from models.vocabulary.selector import parse_selector


@pytest.mark.parametrize(
    ("selector", "labels", "expected"),
    [
        ("", {}, True),
        ("app=web", {"app": "web"}, True),
        ("app==web", {"app": "api"}, False),
        ("app!=web", {}, True),
        ("tier in (api, job)", {"tier": "job"}, True),
        ("tier notin (api,job)", {"tier": "job"}, False),
        ("tier notin (api,job)", {}, True),
        ("legacy", {"legacy": ""}, True),
        ("!legacy", {"legacy": "yes"}, False),
        ("app.kubernetes.io/name=web,tier in (a,b)", {"app.kubernetes.io/name": "web", "tier": "b"}, True),
        ("app=web,tier=a", {"app": "web"}, False),
        ("app=", {"app": ""}, True),
    ],
)
def test_selectors_match_as_in_kubernetes(selector, labels, expected):
    assert parse_selector(selector).matches(labels) is expected


@pytest.mark.parametrize("selector", ["app in web", "=web", "a b", "app in (a b)"])
def test_what_is_no_selector_is_refused(selector):
    with pytest.raises(InputError, match="label selector"):
        parse_selector(selector)
