"""Which of pip's settings `fetch` heeds: where wheels come from, not what may be installed."""

from __future__ import annotations

import os
import re
import shutil
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
import trustme

from derivload.commands.fetch.command import FetchError, fetch
from derivload.commands.fetch.download import OPTIONS, SETTINGS
from support.torch_index import Index, look_only_in, make_wheel, served


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """The right wheel, and two that only another configuration of pip would take."""
    make_wheel(tmp_path / "wheels")
    make_wheel(tmp_path / "wheels", "2.15.11rc1")
    make_wheel(tmp_path / "wheels", files={"torchgen/wrong": ""}, tag="cp311-cp311-win_amd64")
    return tmp_path / "wheels"


def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Give pip a configuration file, which comes after the machine's own."""
    file = tmp_path / "pip.conf"
    file.write_text(text)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(file))


# What is nothing to a download


def unfit(tmp_path: Path) -> dict[str, str]:
    """Settings each of which would break or change a download."""
    (tmp_path / "constraints.txt").write_text("torch<=2.14.1\n")
    return {
        "constraint": str(tmp_path / "constraints.txt"),
        "build-constraint": str(tmp_path / "missing.txt"),
        "requirement": str(tmp_path / "missing.txt"),
        "requirements-from-script": str(tmp_path / "missing.py"),
        "require-hashes": "true",
        "platform": "win_amd64",
        "abi": "cp27m",
        "python-version": "2.7",
        "implementation": "pp",
        "no-binary": "torch",
        "pre": "true",
        "only-deps": "true",
        "global-option": "--quiet",
        "dest": str(tmp_path / "stray"),
        "python": str(tmp_path / "missing"),
        "debug": "true",
        "quiet": "3",
        # These are of `pip install` alone.
        "target": str(tmp_path / "stray"),
        "report": str(tmp_path / "stray"),
        "dry-run": "true",
        "user": "true",
    }


@pytest.mark.parametrize(
    ("section", "over_http"),
    [
        pytest.param("install", True, id="install-a part"),
        *(
            pytest.param(s, True, id=f"{s}-a part", marks=pytest.mark.thorough)
            for s in ("global", "download")
        ),
        # Both processes have the same environment, which overrides all sections.
        *(
            pytest.param(s, False, id=f"{s}-the whole", marks=pytest.mark.thorough)
            for s in ("global", "download", "install")
        ),
    ],
)
def test_what_is_configured_for_installing_does_not_matter(
    section: str,
    over_http: bool,
    wheels: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with served(wheels) as index:
        look_only_in(index.url if over_http else str(wheels), monkeypatch)
        lines = [f"{name} = {value}" for name, value in unfit(tmp_path).items()]
        configure(tmp_path, monkeypatch, "\n".join([f"[{section}]", *lines]))
        assert fetch("2.15", tmp_path / "new").version == "2.15.0"
    assert index.whole == 0
    assert (tmp_path / "new" / "torchgen" / "model.py").is_file()
    assert not (tmp_path / "stray").exists()


@pytest.mark.parametrize(
    "over_http",
    [
        pytest.param(True, id="a part"),
        pytest.param(False, id="the whole", marks=pytest.mark.thorough),
    ],
)
def test_nor_does_what_the_environment_says_of_it(
    over_http: bool, wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(wheels) as index:
        look_only_in(index.url if over_http else str(wheels), monkeypatch)
        for name, value in unfit(tmp_path).items():
            monkeypatch.setenv(f"PIP_{name.replace('-', '_').upper()}", value)
        assert fetch("2.15", tmp_path / "new").version == "2.15.0"
    assert index.whole == 0
    assert (tmp_path / "new" / "torchgen" / "model.py").is_file()
    assert not (tmp_path / "stray").exists()


def test_every_option_of_pip_download_was_thought_of() -> None:
    """One that a later pip brings is found here: set it back in SETTINGS, or add it below."""
    heeded = """
        --index-url --extra-index-url --find-links --no-index --proxy --cert --client-cert
        --trusted-host --keyring-provider --timeout --retries --resume-retries --no-proxy-env
        --cache-dir --no-cache-dir --refresh-package --use-feature --use-deprecated
        --uploaded-prior-to
    """.split()
    without_effect = """
        --help --version --isolated --log --no-color --progress-bar --src --exists-action
        --no-clean --no-build-isolation --use-pep517 --no-use-pep517
        --check-build-dependencies --no-python-version-warning --no-require-hashes --python
        --quiet --verbose --debug
    """.split()
    unsettable = ["--group"]  # pip adds it to what it is told; it breaks each `pip install` too
    given = ["--dest", "--no-binary", *(word.partition("=")[0] for word in OPTIONS)]
    back = [f"--{name[4:].replace('_', '-').lower()}" for name in SETTINGS]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "download", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    offered = set(re.findall(r"^ +(?:-\w, )?(--[a-z0-9-]+)", done.stdout, re.MULTILINE))
    assert {"--constraint", "--index-url", "--proxy"} <= offered
    assert offered - {*heeded, *without_effect, *unsettable, *given, *back} == set()


# What says where wheels come from, and how


@pytest.fixture
def no_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No passwords but the test's own."""
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))


PASSWORD = "Basic bWU6b3Blbg=="  # me:open


@pytest.mark.parametrize(
    ("section", "option"),
    [
        ("global", "index-url"),
        pytest.param("download", "extra-index-url", marks=pytest.mark.thorough),
        pytest.param("global", "extra-index-url", marks=pytest.mark.thorough),
        pytest.param("download", "index-url", marks=pytest.mark.thorough),
    ],
)
@pytest.mark.usefixtures("no_home")
def test_an_index_with_its_password(
    option: str, section: str, wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both options are set, for the machine's own would hold otherwise; one index is empty."""
    (tmp_path / "empty" / "torch").mkdir(parents=True)
    shutil.copytree(wheels, tmp_path / "private" / "torch")
    with served(tmp_path) as index, served(tmp_path) as other:
        index.password = PASSWORD
        look_only_in(" ", monkeypatch)  # nowhere: an empty one would be passed over
        monkeypatch.delenv("PIP_NO_INDEX")
        urls = dict.fromkeys(("index-url", "extra-index-url"), f"{other.url}empty")
        urls[option] = f"{index.url.replace('//', '//me:open@')}private"
        lines = [f"{name} = {url}" for name, url in urls.items()]
        configure(tmp_path, monkeypatch, "\n".join([f"[{section}]", *lines]))
        fetch("2.15.0", tmp_path / "new")
    assert (index.whole, index.ranges > 0) == (0, True)


def test_a_password_in_netrc(wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password open\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with served(wheels) as index:
        index.password = PASSWORD
        look_only_in(index.url, monkeypatch)
        fetch("2.15.0", tmp_path / "new")
    assert (index.whole, index.ranges > 0) == (0, True)


def test_a_wrong_password_is_not_fixed(
    wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(wheels) as index:
        index.password = "Basic other"
        look_only_in(index.url, monkeypatch)
        monkeypatch.setenv("NETRC", os.devnull)
        with pytest.raises(FetchError, match="pip could not download"):
            fetch("2.15.0", tmp_path / "new")


@pytest.mark.parametrize("by_environment", [True, pytest.param(False, marks=pytest.mark.thorough)])
def test_a_proxy(
    by_environment: bool, wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host exists for the proxy alone, which here is the server itself."""
    with served(wheels) as index:
        look_only_in("http://wheels.invalid/", monkeypatch)
        setting = "" if by_environment else f"proxy = {index.url}\n"
        if by_environment:
            monkeypatch.setenv("http_proxy", index.url)
        text = f"[global]\ntrusted-host = wheels.invalid\n{setting}"
        configure(tmp_path, monkeypatch, text)
        fetch("2.15.0", tmp_path / "new")
    assert (index.whole, index.ranges > 0) == (0, True)


class Secured:
    """A server's certificate, and what a client needs to trust it and to be trusted."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(self.context)
        authority.configure_trust(self.context)
        self.authority, self.client = folder / "authority.pem", folder / "client.pem"
        authority.cert_pem.write_to_path(str(self.authority))
        authority.issue_cert("me@wheels.invalid").private_key_and_cert_chain_pem.write_to_path(
            str(self.client)
        )

    def settings(self) -> str:
        return f"[global]\ncert = {self.authority}\nclient-cert = {self.client}\n"


def test_certificates_of_both_sides(
    wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secured = Secured(tmp_path)
    secured.context.verify_mode = ssl.CERT_REQUIRED
    with served(wheels, context=secured.context) as index:
        look_only_in(https(index), monkeypatch)
        configure(tmp_path, monkeypatch, secured.settings())
        fetch("2.15.0", tmp_path / "new")
    assert (index.whole, index.ranges > 0) == (0, True)


def https(index: Index) -> str:
    return index.url.replace("http:", "https:")


@pytest.mark.parametrize("trusted", [True, False])
def test_a_host_is_trusted_only_when_it_is_named(
    trusted: bool, wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(wheels, context=Secured(tmp_path).context) as index:
        look_only_in(https(index), monkeypatch)
        monkeypatch.setenv("PIP_RETRIES", "0")
        configure(tmp_path, monkeypatch, "[global]\ntrusted-host = 127.0.0.1\n" * trusted)
        if trusted:
            fetch("2.15.0", tmp_path / "new")
            assert (index.whole, index.ranges > 0) == (0, True)
        else:
            with pytest.raises(FetchError, match="pip could not download"):
                fetch("2.15.0", tmp_path / "new")
            assert (index.whole, index.ranges) == (0, 0)
