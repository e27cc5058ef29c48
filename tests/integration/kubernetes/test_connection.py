"""Connecting over the wire: credentials, certificates, retries, budget."""

from __future__ import annotations

import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.kubernetes_api import TOKEN, ApiServer, Fault, api_server
from support.kubernetes_inventory import NODES_AND_PODS, inventory_of, kinds, settings
from support.kubernetes_objects import node, pod, replicaset

from ingest.kubernetes.inventory import KubernetesInventory
from ingest.kubernetes.settings import KubernetesSettings
from models.vocabulary.errors import SourceRefused, SourceUnreachable


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with api_server(node(), replicaset(), *(pod(f"web-6c9-{i:03d}") for i in range(25))) as server:
        yield server


@pytest.mark.parametrize(
    "fault",
    [
        Fault("list", "pods", status=429, headers={"Retry-After": "0"}, times=2),
        Fault("list", "pods", status=500, times=2),
        Fault("list", "pods", drop=True, times=2),
    ],
    ids=["429", "500", "dropped"],
)
def test_trouble_that_passes_is_retried(server: ApiServer, fault: Fault) -> None:
    server.faults.append(fault)
    assert kinds(inventory_of(server).snapshot())["Pod"] == 25


def test_retry_after_is_obeyed(server: ApiServer) -> None:
    server.faults.append(Fault("list", "nodes", status=429, headers={"Retry-After": "1"}))
    started = time.monotonic()
    inventory_of(server, backoff_limit_seconds=5.0).snapshot()
    assert time.monotonic() - started >= 1.0


def test_a_server_that_stays_silent_is_unreachable(server: ApiServer) -> None:
    server.faults.append(Fault("list", "nodes", delay_seconds=0.5, times=9))
    with pytest.raises(SourceUnreachable, match="did not answer after 2 tries"):
        inventory_of(server, read_timeout_seconds=0.1, attempts=2).snapshot()


def test_an_answer_that_is_no_kubernetes_api_is_said_so(server: ApiServer) -> None:
    server.faults.append(Fault("list", "nodes", garbage=True))
    with pytest.raises(SourceUnreachable, match="did not answer as a Kubernetes API"):
        inventory_of(server).snapshot()


def test_a_wrong_token_is_refused_without_a_retry(server: ApiServer) -> None:
    with pytest.raises(SourceRefused, match="refused the credentials"):
        inventory_of(server, token="wrong").snapshot()


def test_the_request_budget_holds_requests_back(server: ApiServer) -> None:
    inventory = KubernetesInventory(settings(server, requests_per_minute=60), "prod", NODES_AND_PODS)
    started = time.monotonic()
    for _ in range(16):
        inventory.snapshot()
    assert server.count() == 64
    assert time.monotonic() - started >= 3.0


def test_requests_and_bytes_are_counted_for_data_health(server: ApiServer) -> None:
    inventory = inventory_of(server)
    inventory.snapshot()
    assert inventory.state.request_counts["list", "pods"] == 3
    assert inventory.state.received_bytes > 10_000


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
    extensions = ["-addext", "keyUsage=critical,digitalSignature,keyCertSign"]
    subprocess.run(
        [*command, *extensions, "-keyout", key, "-out", certificate], check=True, capture_output=True
    )
    both = folder / "both.pem"
    both.write_text(key.read_text() + certificate.read_text())
    return both


def kubeconfig(folder: Path, server: ApiServer, user: dict[str, Any], **cluster: Any) -> Path:
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "clusters": [{"name": "test", "cluster": {"server": server.url, **cluster}}],
        "users": [{"name": "test", "user": user}],
    }
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(content))
    return path


def test_a_kubeconfig_with_tls_and_an_exec_plugin_works(certificate: Path, tmp_path: Path) -> None:
    plugin = tmp_path / "plugin"
    status = {"token": TOKEN}
    credential = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}
    plugin.write_text(f"#!{sys.executable}\nimport json\nprint(json.dumps({credential!r}))\n")
    plugin.chmod(plugin.stat().st_mode | stat.S_IXUSR)
    run = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": str(plugin),
        "interactiveMode": "Never",
    }
    with api_server(node(), pod(), certificate=certificate) as server:
        path = kubeconfig(tmp_path, server, {"exec": run}, **{"certificate-authority": str(certificate)})
        inventory = KubernetesInventory(KubernetesSettings(kubeconfig=str(path)), "prod", NODES_AND_PODS)
        assert kinds(inventory.snapshot()) == {"Node": 1, "Pod": 1, "Inventory": 1}


def test_a_server_with_an_unknown_certificate_is_not_trusted(certificate: Path) -> None:
    with (
        api_server(node(), certificate=certificate) as server,
        pytest.raises(SourceUnreachable, match=r"(?i)certificate|TLS|SSL"),
    ):
        inventory_of(server, attempts=1).snapshot()


@pytest.mark.parametrize("text", ["a: [", "just text", "[]", "clusters: 3"])
def test_a_file_that_is_no_kubeconfig_is_said_so(tmp_path: Path, text: str) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(text)
    with pytest.raises(SourceRefused, match=r"kubeconfig|credentials"):
        KubernetesInventory(KubernetesSettings(kubeconfig=str(path)), "prod")


def test_a_missing_kubeconfig_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceRefused, match="nowhere is not a file"):
        KubernetesInventory(KubernetesSettings(kubeconfig=str(tmp_path / "nowhere")), "prod")


def test_a_pod_of_no_cluster_has_no_service_account() -> None:
    with pytest.raises(SourceRefused, match="no usable Kubernetes credentials"):
        KubernetesInventory(KubernetesSettings(in_cluster=True), "prod")
