"""The example manifest for Kubernetes."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from syncd.config.load import loads

MANIFEST = Path(__file__).parents[2] / "systemd/kubernetes/statefulset.yaml"


def objects() -> dict[str, Any]:
    return {found["kind"]: found for found in yaml.safe_load_all(MANIFEST.read_text())}


def test_kubernetes_accepts_every_object_of_the_manifest() -> None:
    kubernetes_validate = pytest.importorskip(
        "kubernetes_validate", reason="NOT TESTED: kubernetes-validate is not installed"
    )
    for found in objects().values():
        kubernetes_validate.validate(found, "1.31", strict=True)


def test_each_pod_of_the_manifest_is_one_shard_of_a_valid_configuration() -> None:
    text = objects()["ConfigMap"]["data"]["config.toml"]
    workload = objects()["StatefulSet"]["spec"]
    (container,) = workload["template"]["spec"]["containers"]
    environ = {one["name"]: one.get("value") for one in container["env"]}
    accounts: list[str] = []
    for index in range(workload["replicas"]):
        shard = environ["SYNCD_SHARD"].replace("$(POD_INDEX)", str(index))
        config = loads(text, Path(environ["SYNCD_CONFIG"]), {"SYNCD_SHARD": shard})
        assert str(config.ledger.shard) == shard
        accounts += config.accounts
    assert accounts == ["main"]
    kinds = ("startup", "readiness", "liveness")
    probes = [container[f"{kind}Probe"]["httpGet"]["path"] for kind in kinds]
    assert probes == ["/healthz", "/readyz", "/healthz"]
