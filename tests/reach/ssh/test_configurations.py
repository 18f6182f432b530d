"""A table of ssh configurations, tried by ssh and by keepapart: what one takes or refuses, the other does."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reach.ssh.stage import Stage, up

IN = {
    "nothing": "",
    "Host": "Host web\n  User $U\nHost other\n  Port 1",
    "Host with a negation": "Host * !web\n  Port 1",
    "Host in other letters": "HOST web\nPORT $P",
    "keyword with =": "Host web\n  Port=$P\n  User = $U",
    "quotes and tabs": 'Host\t"web"\n\tIdentityFile "$S/userkey"',
    "a comment at the end of a line": "Host web\n  Port $P # the port",
    "HostName %h": "Host web\n  HostName 127.0.0.1\nHost *\n  HostName %h",
    "HostName from %h": "Host 1\n  HostName 127.0.0.%h",
    "AddressFamily inet": "AddressFamily inet",
    "Match host": "Match host web\n  Port $P",
    "Match originalhost": "Match originalhost web\n  Port $P",
    "Match exec": 'Match exec "test -d /"\n  Port $P',
    "Match exec with =": 'Match exec "[ $(uname) = Linux ]"\n  LogLevel QUIET',
    "Match not exec": 'Match !exec "false"\n  Port $P\nHost web\n  Port 1',
    "Match user": "Match user nobody\n  Port 1",
    "Match localuser": "Match localuser $U\n  Port $P",
    "Match final": "Match final all\n  ServerAliveInterval 5",
    "Match canonical": "Match canonical\n  Port 1",
    "CanonicalizeHostname": "CanonicalizeHostname yes\nCanonicalDomains invalid",
    "Include": "Include $S/included\nHost *",
    "Include of nothing": "Include $S/not_there $S/none*",
    "IgnoreUnknown": "IgnoreUnknown UseKeychain\nUseKeychain yes",
    "IdentityFile missing": "IdentityFile ~/.ssh/id_not_there\nIdentityFile $S/userkey",
    "IdentityFile with %d and %u": "IdentityFile %d/.ssh/%u\nIdentityFile $S/userkey",
    "several keys": "IdentityFile $S/strangerkey\nIdentityFile $S/otherkey",
    "CertificateFile": "IdentityFile $S/certified\nCertificateFile $S/certified-cert.pub",
    "CertificateFile missing": "CertificateFile $S/not_there-cert.pub",
    "Hostkeyalgorithms": "HostKeyAlgorithms ssh-ed25519",
    "HostKeyAlgorithms minus": "HostKeyAlgorithms -ssh-rsa",
    "KexAlgorithms": "KexAlgorithms curve25519-sha256@libssh.org,ecdh-sha2-nistp256",
    "KexAlgorithms plus": "KexAlgorithms +diffie-hellman-group14-sha1",
    "Ciphers": "Ciphers aes256-gcm@openssh.com\nMACs hmac-sha2-256",
    "Compression": "Compression yes",
    "times with units": "ConnectTimeout 10s\nServerAliveInterval 1m\nRekeyLimit 1G 1h",
    "no ConnectTimeout": "ConnectTimeout none",
    "TCPKeepAlive": "TCPKeepAlive no\nServerAliveCountMax 2",
    "BindAddress": "BindAddress 127.0.0.1",
    "RequestTTY": "RequestTTY force",
    "StdinNull": "StdinNull yes",
    "ForkAfterAuthentication": "ForkAfterAuthentication yes",
    "EscapeChar": "EscapeChar none",
    "LogLevel": "LogLevel DEBUG3",
    "QUIET": "LogLevel QUIET",
    "SendEnv": "SendEnv LANG LC_*\nSetEnv FOO=bar",
    "LocalCommand": "PermitLocalCommand yes\nLocalCommand echo noise; echo more >&2",
    "LocalForward that is taken": "LocalForward $P 127.0.0.1:1\nExitOnForwardFailure no",
    "ForwardAgent and X11": "ForwardAgent yes\nForwardX11 yes",
    "VisualHostKey": "VisualHostKey yes",
    "a key's own command": "IdentityFile $S/forcedkey\nIdentityFile none",
    "ProxyCommand in a shell": "ProxyCommand ssh -F $S/plain -W %h:%p $(echo jump)",
    "ProxyCommand with a tilde": "ProxyCommand ssh -F ~/..$S/plain -W %h:%p jump",
    "ProxyCommand none": "ProxyCommand none",
    "ProxyUseFdpass": "ProxyCommand python3 $S/fdpass %h %p\nProxyUseFdpass yes",
    "ProxyJump": "Host web\n  ProxyJump jump",
    "ProxyJump with all parts": "Host web\n  ProxyJump $U@jump:$P",
    "ProxyJump through two": "Host web\n  ProxyJump jump,other",
    "ProxyJump with what stands for the user": "Host web\n  ProxyJump %r@jump",
    "a jump host in the background": "Host web\n  ProxyJump jump\nHost jump\n  ForkAfterAuthentication yes",
    "a jump host whose key nobody checks": (
        "Host web\n  ProxyJump jump\nHost jump\n  UserKnownHostsFile /dev/null\n  StrictHostKeyChecking no"
    ),
    "ProxyJump none": "Host web\n  ProxyJump none\nHost *\n  ProxyJump nowhere",
    "KnownHostsCommand": "UserKnownHostsFile /dev/null\nKnownHostsCommand /bin/cat $S/known_hosts",
    "GlobalKnownHostsFile": "UserKnownHostsFile none\nGlobalKnownHostsFile $S/known_hosts",
    "several known_hosts": "UserKnownHostsFile $S/known_none $S/not_there $S/known_hosts",
    "hashed known_hosts": "UserKnownHostsFile $S/known_hashed",
    "known_hosts by a pattern": "UserKnownHostsFile $S/known_pattern",
    "odd lines in known_hosts": "UserKnownHostsFile $S/known_odd",
    "HostKeyAlias": "UserKnownHostsFile $S/known_alias\nHostKeyAlias orders",
    "@cert-authority": "UserKnownHostsFile $S/known_authority",
    "@cert-authority of the alias": "UserKnownHostsFile $S/known_orders_authority\nHostKeyAlias orders",
    "CheckHostIP": "CheckHostIP yes",
    "StrictHostKeyChecking no": "UserKnownHostsFile /dev/null\nStrictHostKeyChecking no",
    "StrictHostKeyChecking no, another key": "UserKnownHostsFile $S/known_other\nStrictHostKeyChecking no",
    "StrictHostKeyChecking accept-new": "UserKnownHostsFile /dev/null\nStrictHostKeyChecking accept-new",
    "StrictHostKeyChecking yes": "StrictHostKeyChecking yes",
    "HashKnownHosts": "UserKnownHostsFile $S/written\nStrictHostKeyChecking accept-new\nHashKnownHosts yes",
    "NoHostAuthenticationForLocalhost": "UserKnownHostsFile none\nNoHostAuthenticationForLocalhost yes",
    "ControlMaster auto": "ControlMaster auto\nControlPath $S/%C\nControlPersist no",
    "ControlPath of nobody": "ControlPath $S/no_master",
    "PreferredAuthentications": "PreferredAuthentications gssapi-with-mic,publickey",
    "GSSAPIAuthentication": "GSSAPIAuthentication yes",
    "IdentityAgent none": "IdentityAgent none",
    "AddKeysToAgent": "AddKeysToAgent yes",
    "latin-1": "# gr\xfc\xdfe\nHost web",
    "CRLF": "Host web\r\n  Port $P\r\n",
}
OUT = {
    "User": "User nobody-of-that-name",
    "Port": "Port 1",
    "no key": "IdentityFile none",
    "another key": "IdentityFile $S/strangerkey\nIdentityFile none",
    "a key with a passphrase": "IdentityFile $S/locked\nIdentityFile none",
    "PubkeyAuthentication no": "PubkeyAuthentication no",
    "an unknown keyword": "NoSuchKeyword yes",
    "a bad value": "Port ssh-port",
    "Host without a name": "Host",
    "AddressFamily inet6": "AddressFamily inet6",
    "HostName of nobody": "HostName no-such-host.invalid",
    "RemoteCommand": "RemoteCommand echo other",
    "SessionType subsystem": "SessionType subsystem",
    "no algorithm in common": "HostKeyAlgorithms ssh-rsa",
    "no key exchange in common": "KexAlgorithms diffie-hellman-group1-sha1",
    "no known_hosts": "UserKnownHostsFile none",
    "another key in known_hosts": "UserKnownHostsFile $S/known_other",
    "excepted in known_hosts": "UserKnownHostsFile $S/known_not",
    "accept-new, another key": "UserKnownHostsFile $S/known_other\nStrictHostKeyChecking accept-new",
    "yes, no key": "UserKnownHostsFile /dev/null\nStrictHostKeyChecking yes",
    "HostKeyAlias unknown": "HostKeyAlias nobody",
    "HostKeyAlias of another key": "UserKnownHostsFile $S/known_alias_other\nHostKeyAlias orders",
    "HostName of another key": "Host web\n  HostName localhost",
    "@revoked": "UserKnownHostsFile $S/known_revoked",
    "RevokedHostKeys": "RevokedHostKeys $S/hostkey.pub",
    "@cert-authority for others": "UserKnownHostsFile $S/known_elsewhere_authority",
    "KnownHostsCommand that fails": "UserKnownHostsFile none\nKnownHostsCommand /bin/false",
    "ProxyCommand that fails": "ProxyCommand echo no way there >&2; exit 1",
    "ProxyJump to nobody": "Host web\n  ProxyJump nowhere\nHost nowhere\n  Port 1",
    "a jump host of another key": (
        "Host web\n  ProxyJump jump\n"
        "Host jump\n  UserKnownHostsFile $S/known_other\n  StrictHostKeyChecking no"
    ),
    "a jump host's ProxyCommand": "Host web\n  ProxyJump jump\nHost jump\n  ProxyCommand echo no >&2; exit 1",
    "ProxyJump in a circle": "Host web\n  ProxyJump $U@127.0.0.1:$P",
    "ProxyJump as nobody": "Host web\n  ProxyJump nobody@127.0.0.1:1",
    "Match exec that stops": 'Match exec "true"\n  Port 1',
    "CanonicalizeFallbackLocal no": (
        "CanonicalizeHostname yes\nCanonicalDomains invalid\nCanonicalizeFallbackLocal no\nHostName x"
    ),
}
FDPASS = """import array, socket, sys
far = socket.create_connection((sys.argv[1], int(sys.argv[2])))
near = socket.socket(fileno=1)
near.sendmsg([b"\\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [far.fileno()]))])
"""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Yield an sshd."""
    there = up(tmp_path_factory.mktemp("s"))
    (there.folder / "included").write_text(f"Host web\n  Port {there.port}\n")
    (there.folder / "plain").write_text(there.base())
    (there.folder / "fdpass").write_text(FDPASS)
    yield there
    there.down()


@pytest.mark.parametrize(
    ("text", "gets_in"),
    [*((text, True) for text in IN.values()), *((text, False) for text in OUT.values())],
    ids=[*IN, *(f"refused: {name}" for name in OUT)],
)
def test_keepapart_gets_in_where_ssh_does(stage: Stage, text: str, *, gets_in: bool) -> None:
    """Each row says what ssh does with a configuration, and keepapart does the same, and says why not."""
    name = "1" if text.startswith("Host 1\n") else "web"
    config = stage.config(text + "\n")
    said = stage.ssh(config, name, "true")
    if not gets_in and "Bad configuration option: " in said.stderr and "NoSuch" not in text:
        pytest.skip(f"this ssh is too old: {said.stderr}")
    assert (said.returncode == 0) == gets_in, said.stderr
    (stage.folder / "written").unlink(missing_ok=True)
    lost = stage.lost(config, [name])
    assert (not lost) == gets_in, (lost, said.stderr)
    assert all(why.isprintable() for why in lost.values())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Port ssh-port", "Bad port 'ssh-port'"),
        ("ProxyCommand echo no way there >&2; exit 1", "no way there"),
        (
            "Host web\n  ProxyJump jump\nHost jump\n  ProxyCommand echo no way >&2; exit 1",
            "host jump: ssh: no way",
        ),
        ("Host web\n  ProxyJump first,jump\nHost first\n  Port 1", "port 1: Connection refused"),
        ("Host web\n  Port 1\n  ProxyJump jump", "jump host jump gets no connection to port 1 of 127.0.0.1"),
        ("Host web\n  HostName no.invalid\n  ProxyJump jump", "port $P of no.invalid, or forwards nothing"),
    ],
)
def test_the_reason_is_the_one_that_ssh_tells(stage: Stage, text: str, why: str) -> None:
    """Of all that ssh writes, the line that names the cause is shown; of a jump host's own way as well."""
    assert why.replace("$P", str(stage.port)) in stage.lost(stage.config(text + "\n"))["web"]


def test_who_says_nothing_is_waited_for_as_long_as_ssh_is_told(stage: Stage) -> None:
    """ConnectTimeout is ssh's word, and the reason names the time."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        config = stage.config(f"Port {silent.getsockname()[1]}\nConnectTimeout 1\n")
        assert stage.lost(config)["web"] == "ssh: no connection to 127.0.0.1 within 1 s"


def test_an_agent_s_key_opens(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys of the agent are used, those with a passphrase too, as SSH_AUTH_SOCK and IdentityAgent name it."""
    if not shutil.which("ssh-agent"):
        pytest.skip("no ssh-agent here")
    path = stage.folder / "agent"
    with subprocess.Popen(["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.DEVNULL) as agent:
        try:
            while not path.exists():
                time.sleep(0.01)  # there is no event for the beginning of somebody else's listening
            ask = stage.folder / "askpass"
            ask.write_text("#!/bin/sh\necho secret\n")
            ask.chmod(0o755)
            env = {"SSH_AUTH_SOCK": str(path), "SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force"}
            subprocess.run(["ssh-add", "-q", str(stage.folder / "locked")], env=os.environ | env, check=True)
            named = stage.config(f"IdentityFile none\nIdentitiesOnly no\nIdentityAgent {path}\n")
            assert not stage.lost(named)
            config = stage.config("IdentityFile none\nIdentitiesOnly no\n")
            monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
            assert "no key of yours" in stage.lost(config)["web"]
            monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
            assert not stage.lost(config)
        finally:
            agent.terminate()


def _listens(place: tuple[str, int]) -> bool:
    with socket.socket() as knocking:
        return knocking.connect_ex(place) == 0


def test_a_kerberos_ticket_opens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GSSAPI, with a realm of this test's own: no key and no password, for ssh and for keepapart."""
    needed = "krb5kdc", "kdb5_util", "kadmin.local", "kinit"
    where = f"{os.environ['PATH']}:/usr/sbin"
    if not all(shutil.which(tool, path=where) for tool in needed):
        pytest.skip("no Kerberos here; on Debian: apt-get install krb5-kdc krb5-admin-server krb5-user")
    monkeypatch.setenv("PATH", where)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        place = probe.getsockname()
    kdc = f"127.0.0.1:{place[1]}"
    (tmp_path / "krb5.conf").write_text(
        "[libdefaults]\ndefault_realm = ORDERS\ndns_canonicalize_hostname = false\nrdns = false\n"
        f"[realms]\nORDERS = {{\nkdc = {kdc}\n}}\n"
    )
    (tmp_path / "kdc.conf").write_text(
        f"[kdcdefaults]\nkdc_listen = {kdc}\nkdc_tcp_listen = {kdc}\n"
        f"[realms]\nORDERS = {{\ndatabase_name = {tmp_path}/names\nkey_stash_file = {tmp_path}/stash\n}}\n"
    )
    for name, file in (
        ("KRB5_CONFIG", "krb5.conf"),
        ("KRB5_KDC_PROFILE", "kdc.conf"),
        ("KRB5CCNAME", "ticket"),
        ("KRB5_KTNAME", "keytab"),
    ):
        monkeypatch.setenv(name, str(tmp_path / file))

    def run(*words: str, told: str = "") -> None:
        subprocess.run(words, check=True, capture_output=True, text=True, input=told)

    user, host = getpass.getuser(), "host/127.0.0.1"
    run("kdb5_util", "create", "-s", "-P", "secret")
    for query in (f"addprinc -pw secret {user}", f"addprinc -randkey {host}", f"ktadd {host}"):
        run("kadmin.local", "-q", query)
    methods = "AuthenticationMethods gssapi-with-mic\nGSSAPIAuthentication yes\nGSSAPIStrictAcceptorCheck no"
    with subprocess.Popen(["krb5kdc", "-n"], stdout=subprocess.DEVNULL) as center:
        kerberos = None
        try:
            while not _listens(place):
                time.sleep(0.02)  # there is no event for the beginning of somebody else's listening
            kerberos = up(tmp_path, methods)
            config = kerberos.config("GSSAPIAuthentication yes\n")
            assert kerberos.ssh(config, "web", "true").returncode
            assert "no key of yours" in kerberos.lost(config)["web"]
            run("kinit", user, told="secret\n")
            assert not kerberos.ssh(config, "web", "true").returncode
            assert not kerberos.lost(config)
        finally:
            center.terminate()
            if kerberos:
                kerberos.down()


def test_a_smart_card_s_key_opens(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that never leaves its token (PKCS#11): the agent holds it after its PIN was told, as for ssh."""
    module = next(Path("/usr/lib").glob("**/softhsm/libsofthsm2.so"), None)
    if not (module and shutil.which("pkcs11-tool") and shutil.which("ssh-agent")):
        pytest.skip("no token here; on Debian: apt-get install softhsm2 opensc")
    (stage.folder / "tokens").mkdir()
    (stage.folder / "softhsm").write_text(f"directories.tokendir = {stage.folder}/tokens\n")
    ask, agent_at = stage.folder / "pin", stage.folder / "token_agent"
    ask.write_text("#!/bin/sh\necho 1234\n")
    ask.chmod(0o755)
    monkeypatch.setenv("SOFTHSM2_CONF", str(stage.folder / "softhsm"))
    pins = ["--pin", "1234", "--so-pin", "1234"]
    tool = ["pkcs11-tool", "--module", str(module), "--token-label", "orders", "--login", "--pin", "1234"]
    for words in (
        ["softhsm2-util", "--init-token", "--free", "--label", "orders", *pins],
        [*tool, "--keypairgen", "--key-type", "EC:prime256v1", "--id", "01", "--label", "orders"],
    ):
        subprocess.run(words, check=True, capture_output=True)
    public = subprocess.run(["ssh-keygen", "-D", str(module)], check=True, capture_output=True, text=True)
    with (stage.folder / "authorized_keys").open("a") as keys:
        keys.write(public.stdout)
    direct = stage.config(f"PKCS11Provider {module}\nIdentityFile none\nIdentitiesOnly no\n")
    assert stage.ssh(direct, "web", "true").returncode  # nobody is there to be asked for the PIN
    assert "no key of yours" in stage.lost(direct)["web"]
    with subprocess.Popen(["ssh-agent", "-D", "-a", str(agent_at)], stdout=subprocess.DEVNULL) as agent:
        try:
            while not agent_at.exists():
                time.sleep(0.01)  # there is no event for the beginning of somebody else's listening
            monkeypatch.setenv("SSH_AUTH_SOCK", str(agent_at))
            env = os.environ | {"SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force"}
            subprocess.run(["ssh-add", "-q", "-s", str(module)], env=env, check=True)
            config = stage.config("IdentityFile none\nIdentitiesOnly no\n")
            assert not stage.ssh(config, "web", "true").returncode
            assert not stage.lost(config)
        finally:
            agent.terminate()


def test_a_master_of_the_operator_s_is_used(stage: Stage) -> None:
    """Where a master runs, nothing else is needed to get in, and it runs on; for jump hosts too."""
    control = f"ControlPath {stage.folder}/master\n"
    opened = stage.config(f"Host jump\n  {control}")
    assert not stage.ssh(opened, "-M", "-f", "-N", "-o", "ControlPersist=60", "jump").returncode
    shut = "IdentityFile none\n"
    try:
        assert not stage.lost(stage.config(f"{control}{shut}"))
        proxied = f"Host jump\n  {control}  {shut}Host web\n  ProxyJump jump\n  IdentityFile $S/userkey\n"
        assert not stage.lost(stage.config(proxied))
        assert not stage.ssh(opened, "-O", "check", "jump").returncode
    finally:
        stage.ssh(opened, "-O", "exit", "jump")
    assert stage.lost(stage.config(f"{control}{shut}"))


def test_the_user_of_reach_is_for_whom_the_configuration_names_none(stage: Stage) -> None:
    """`[reach] user` gives way to ssh's own User, even where that is the user who runs it."""
    assert not stage.lost(stage.config(""), user="nobody-here")
    lines = [line for line in stage.base().splitlines() if "User " not in line]
    unnamed = stage.config("\n".join(lines), base=False)
    assert "lets 'nobody-here' in" in stage.lost(unnamed, user="nobody-here")["web"]


@pytest.mark.parametrize(
    "jump", ["", "Host web*\n  ProxyJump jump\n", "Host web*\n  ProxyCommand ssh -F $S/b -W %h:%p jump\n"]
)
def test_an_sshd_that_has_no_time_is_waited_for(tmp_path: Path, jump: str) -> None:
    """Where MaxStartups turns most of a crowd away, everybody gets in all the same."""
    busy = up(tmp_path, "MaxStartups 2:100:2")
    try:
        (tmp_path / "b").write_text(busy.base())
        names = [f"web{number}" for number in range(12)]
        assert busy.lost(busy.config(jump), names) == {}
        assert "MaxStartups" in (tmp_path / "log").read_text()
    finally:
        busy.down()


def test_a_banner_and_a_profile_disturb_nobody(tmp_path: Path) -> None:
    """What is shown before a login is noise, and no reason why something fails."""
    (tmp_path / "banner").write_text("Authorised use only\n" * 5)
    talking = up(tmp_path, f"Banner {tmp_path}/banner\nPrintMotd yes")
    try:
        assert not talking.lost(talking.config(""))
        why = talking.lost(talking.config("IdentityFile none\n"))["web"]
        assert "no key of yours" in why
    finally:
        talking.down()
