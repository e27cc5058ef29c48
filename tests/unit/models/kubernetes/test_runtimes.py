import pytest

from models.kubernetes.runtimes import find_runtime

MIB = 1 << 20


def env(**values):
    return {"env": [{"name": name, "value": value} for name, value in values.items()]}


@pytest.mark.parametrize(
    ("container", "expected"),
    [
        (
            env(JAVA_TOOL_OPTIONS="-Xms256m -Xmx1g -Dsecret=hunter2"),
            {"name": "jvm", "found_in": "JAVA_TOOL_OPTIONS", "heap_bytes": 1024.0 * MIB},
        ),
        (
            env(JDK_JAVA_OPTIONS="-XX:MaxRAMPercentage=75.0 -XX:ActiveProcessorCount=2"),
            {"name": "jvm", "found_in": "JDK_JAVA_OPTIONS", "heap_ratio": 0.75, "threads": 2.0},
        ),
        (
            {"command": ["sh", "-c"], "args": ["exec java -Xmx512m -jar app.jar"]},
            {"name": "jvm", "found_in": "its command", "heap_bytes": 512.0 * MIB},
        ),
        (
            env(GOMEMLIMIT="900MiB", GOMAXPROCS="2"),
            {"name": "go", "found_in": "GOMEMLIMIT", "heap_bytes": 900.0 * MIB, "threads": 2.0},
        ),
        (
            env(NODE_OPTIONS="--max-old-space-size=460"),
            {"name": "node", "found_in": "NODE_OPTIONS", "heap_bytes": 460.0 * MIB},
        ),
        ({"command": ["/usr/bin/python3", "-m", "app"]}, {"name": "python", "found_in": "its command"}),
        ({"image": "docker.io/library/eclipse-temurin:21-jre"}, {"name": "jvm", "found_in": "its image"}),
        ({"image": "node:22-alpine"}, {"name": "node", "found_in": "its image"}),
        ({"image": "registry.example/shop/node-exporter:1"}, None),
        ({"image": "nginx", "env": [{"name": "TOKEN", "valueFrom": {"secretKeyRef": {}}}]}, None),
        ({}, None),
    ],
)
def test_the_runtime_is_found_in_variables_then_command_then_image(container, expected):
    assert find_runtime(container) == expected


def test_of_a_flag_that_is_repeated_the_last_holds():
    found = find_runtime(env(JAVA_TOOL_OPTIONS="-Xmx256m -Xmx2G"))
    assert found["heap_bytes"] == 2048 * MIB


def test_text_of_variables_is_never_kept():
    found = find_runtime(env(JAVA_OPTS="-Xmx1g -Dpassword=hunter2"))
    assert "hunter2" not in str(found)


def test_a_malformed_number_is_no_number():
    assert find_runtime(env(GOMAXPROCS="two")) == {"name": "go", "found_in": "GOMAXPROCS"}
