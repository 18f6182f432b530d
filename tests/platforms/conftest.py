"""An environment without anybody's accounts or proxies; and an audit by stated facts, for its verdicts."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from keepapart.cli import main
from keepapart.clouds import CLUSTER_TAG, Listing, connect, once, one_call
from keepapart.clouds.digitalocean import reading as digitalocean_reading
from keepapart.clouds.google import reading as google_reading
from keepapart.clouds.hetzner import reading as hetzner_reading
from keepapart.clouds.linode import reading as linode_reading
from keepapart.clouds.oci import reading as oci_reading
from keepapart.clouds.proxmox import TOKEN
from tests.platforms import azure_stub, google_stub, nova_double, oci_stub, pve_double
from tests.platforms.azure_stub import Azure
from tests.platforms.digitalocean_stub import DigitalOcean
from tests.platforms.google_stub import Google
from tests.platforms.hetzner_stub import Hetzner
from tests.platforms.launched import ONE_CALL, WHAT, Platform
from tests.platforms.linode_stub import Linode
from tests.platforms.nova_double import Nova
from tests.platforms.oci_stub import Oci
from tests.platforms.pve_double import SECRET, USER, Open, Pve

FOREIGN = (
    "OS_",
    "VSPHERE_",
    "GOVC_",
    "LIBVIRT_",
    "KUBECONFIG",
    "KUBERNETES_",
    "PROXMOX_",
    "LINODE_",
    "DIGITALOCEAN_",
    "HCLOUD_",
    "SCW_",
    "VULTR_",
    "GOOGLE_",
    "CLOUDSDK_",
    "AWS_",
    "AZURE_",
    "ARM_",
    "OCI_",
    "HTTP_",
    "HTTPS_",
    "ALL_",
    "NO_",
    "REQUESTS_",
    "CURL_",
)

Audited = tuple[int, dict[tuple[str, str], str], dict[str, Any]]
Audit = Callable[[str], Audited]


@pytest.fixture(autouse=True)
def environ(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Point every platform's client away from whatever this machine has configured."""
    for name in [name for name in os.environ if name.upper().startswith(FOREIGN)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def audit(tmp_path: Path) -> Audit:
    """Return what audits by stated facts with this text of `[cloud]`: exit code, verdicts, document."""

    def run(cloud: str) -> Audited:
        path = tmp_path / "keepapart.toml"
        path.write_text(f'[cluster]\nname = "orders"\n[cloud]\n{cloud}', encoding="utf-8")
        out = io.StringIO()
        with redirect_stdout(out):
            code = main(["-c", str(path), "audit", "--stated", "--json", "--pairs", "all"])
        document = json.loads(out.getvalue())
        verdicts = {(pair["a"], pair["b"]): pair["verdict"] for pair in document.get("pairs", ())}
        return int(code), verdicts, document

    return run


@pytest.fixture
def hetzner(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hetzner]:
    """Yield an empty project, whose token is in the environment."""
    monkeypatch.setenv("HCLOUD_TOKEN", "t0ken")
    account = Hetzner()
    with account.serving():
        yield account


@pytest.fixture
def digitalocean(monkeypatch: pytest.MonkeyPatch) -> Iterator[DigitalOcean]:
    """Yield an empty account, whose token is in the environment; what is late is soon sure there."""
    monkeypatch.setenv("DIGITALOCEAN_TOKEN", "t0ken")
    monkeypatch.setattr(once, "QUIET", 0.5)
    monkeypatch.setattr(one_call, "GONE_AFTER", 0.5)
    account = DigitalOcean()
    with account.serving():
        yield account


@pytest.fixture
def linode(monkeypatch: pytest.MonkeyPatch) -> Iterator[Linode]:
    """Yield an empty account, whose token is in the environment."""
    monkeypatch.setenv("LINODE_TOKEN", "t0ken")
    account = Linode()
    with account.serving():
        yield account


@pytest.fixture(scope="session")
def google_key() -> str:
    """Return a private key."""
    return google_stub.private_key()


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, google_key: str) -> Iterator[Google]:
    """Yield an empty project, with a service account whose key file is in the environment."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))
    with google_stub.project(google_key, tmp_path / "key.json") as project:
        yield project


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Azure]:
    """Yield an empty subscription; whoever is logged in by az may read it."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    with azure_stub.subscription(tmp_path) as subscription:
        monkeypatch.setattr("keepapart.clouds.azure.PRICES", subscription.endpoint)
        yield subscription


@pytest.fixture(scope="session")
def oci_key() -> Iterator[rsa.RSAPrivateKey]:
    """Yield the auditor's key, and lend the SDK to whoever uses it."""
    with oci_stub.sdk():
        yield rsa.generate_private_key(65537, 2048)


@pytest.fixture
def oci(oci_key: rsa.RSAPrivateKey, tmp_path: Path) -> Iterator[Oci]:
    """Yield an empty tenancy; the auditor's configuration is where the oci command has it."""
    with oci_stub.tenancy(oci_key, tmp_path) as tenancy:
        yield tenancy


@pytest.fixture
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have two things on a page of a list."""
    for reading in (digitalocean_reading, google_reading, hetzner_reading, linode_reading, oci_reading):
        monkeypatch.setattr(reading, "PAGE", 2)


@pytest.fixture(params=sorted(WHAT))
def platform(request: pytest.FixtureRequest, short_pages: None) -> Platform:  # noqa: ARG001
    """Return each of the platforms that have fault domains, with nothing in it."""
    return Platform(request.getfixturevalue(request.param), *WHAT[request.param])


@pytest.fixture(params=sorted(WHAT | ONE_CALL))
def anywhere(request: pytest.FixtureRequest, short_pages: None) -> Platform:  # noqa: ARG001
    """Return each of all platforms that launch by REST, with nothing in it."""
    return Platform(request.getfixturevalue(request.param), *(WHAT | ONE_CALL)[request.param])


@pytest.fixture(scope="module")
def pve_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pve]:
    """Yield the process; it is never idle, and ends with the file."""
    with pve_double.serving(tmp_path_factory.mktemp("pve")) as pve:
        yield pve


@pytest.fixture
def pve(pve_process: Pve, monkeypatch: pytest.MonkeyPatch) -> Pve:
    """Return a cluster without guests, whose token is in the environment."""
    pve_process.tell("clear")
    pve_process.tell("set", "apitokens", {USER: SECRET})
    monkeypatch.setenv(TOKEN, f"{USER}={SECRET}")
    return pve_process


@pytest.fixture
def proxmox(pve: Pve) -> Iterator[Open]:
    """Return what opens the provider with these settings."""
    opened: list[Listing] = []

    def start(**settings: Any) -> Listing:
        found = connect("proxmox", {"endpoints": [pve.endpoint], "ca": pve.certificate} | settings, ())
        opened.append(found)
        return found

    yield start
    for each in opened:
        each.close()


@pytest.fixture(scope="module")
def nova_process() -> Iterator[Nova]:
    """Yield the process; it is never idle, and ends with the file."""
    with nova_double.serving() as nova:
        yield nova


@pytest.fixture(scope="module")
def standing(nova_process: Nova) -> list[str]:
    """Return servers that stand as long as the process: launching takes most of these tests' time."""
    hosts = ("compute-1", "compute-2", "compute-1")
    own = {CLUSTER_TAG: "standing"}
    ids = [one for host in hosts for one in nova_process.launch("standing", host=host, metadata=own)]
    return [*ids, *nova_process.launch("another", host="compute-1", metadata={CLUSTER_TAG: "another"})]


@pytest.fixture
def nova(
    nova_process: Nova, standing: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Nova]:
    """Return a Nova with no other servers, and clouds.yaml of a reader and an administrator."""
    names = {"demo": "demo", "operator": "operator", "production": "operator", "admin": "admin"}
    users = {
        cloud: {"auth": {**nova_process.auth, "username": name}, "region_name": "RegionOne"}
        for cloud, name in names.items()
    }
    path = tmp_path / "clouds.yaml"
    path.write_text(json.dumps({"clouds": users}), encoding="utf-8")
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(path))
    monkeypatch.setenv("OS_CLOUD", "demo")
    nova_process.order("clear")
    yield nova_process
    nova_process.clear(standing)


@pytest.fixture
def openstack(nova: Nova) -> Iterator[Open]:  # noqa: ARG001  # it is emptied afterwards
    """Return what opens the provider with these settings."""
    opened: list[Listing] = []

    def start(**settings: Any) -> Listing:
        found = connect("openstack", settings, ())
        opened.append(found)
        return found

    yield start
    for each in opened:
        each.close()
