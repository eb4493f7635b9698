"""The client's manners: where the token goes, what is tried again, what is waited for (facts: GitHub REST)."""

from __future__ import annotations

import shutil
import socket
import struct
import subprocess
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from git_poolside.errors import FarSideFailed, Refused
from git_poolside.forge.failures import ApiFailed, Unanswered
from git_poolside.forge.github import Repository
from git_poolside.forge.http import Client
from git_poolside.forge.tokens import Forge, Token
from tests.forge.fake import Account, FakeGitHub

NAME = "poolsideai/pytorch"


class Waits(list[tuple[float, str]]):
    """What was waited for; the fake's time passes."""

    def __init__(self, fake: FakeGitHub) -> None:
        self.fake = fake

    def __call__(self, seconds: float, why: str) -> None:
        self.append((seconds, why))
        self.fake.sleep(seconds)


@pytest.fixture
def waits(github: FakeGitHub) -> Waits:
    return Waits(github)


@pytest.fixture
def fork(github: FakeGitHub, waits: Waits) -> Iterator[Repository]:
    """The fork as the client sees it."""
    github.repository(NAME)
    yield Repository(client(github, waits), NAME)


def client(github: FakeGitHub, waits: Waits, patience: float = 30.0) -> Client:
    """A client that waits so many seconds for an answer."""
    return Client(Forge("github.com", github.url), Token(github.token, "GH_TOKEN"), waits, timeout=(10.0, patience))


def host(github: FakeGitHub) -> str:
    return f"127.0.0.1:{github.port}"


def test_every_page_of_a_list_is_read(github: FakeGitHub, fork: Repository) -> None:
    github.page_size = 2
    for number in range(5):
        fork.create_issue(title=f"Issue {number}", body="")
    assert [issue.title for issue in fork.issues()] == [f"Issue {number}" for number in (4, 3, 2, 1, 0)]
    assert [one.query.get("page") for one in github.seen if one.method == "GET"] == [None, "2", "3"]


def test_a_next_page_on_another_host_does_not_get_the_token(github: FakeGitHub, fork: Repository) -> None:
    elsewhere = '<https://evil.example/repos?page=2>; rel="next"'
    github.fault("GET", "", 302, headers={"Location": "https://[evil/x"}, times=4)
    with pytest.raises(Unanswered, match="gave an answer that cannot be read"):
        fork.info()
    github.fault("GET", "/issues", 200, body=[], headers={"Link": elsewhere})
    with pytest.raises(FarSideFailed, match="which does not get the token"):
        list(fork.issues())


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_to_another_host_does_not_get_the_token(
    github: FakeGitHub, fork: Repository, waits: Waits, status: int
) -> None:
    with FakeGitHub() as other:
        github.fault("GET", "", status, headers={"Location": f"http://127.0.0.1:{other.port}/api/v3/repos/{NAME}"})
        with pytest.raises(FarSideFailed) as caught:
            fork.info()
        assert other.seen == []
    assert caught.value.message == (
        f"cannot show {NAME}: {host(github)} sends on to 127.0.0.1:{other.port}, which does not get the token"
    )


@pytest.mark.parametrize(
    ("location", "whither"),
    [
        ("http://127.0.0.1:{port}/api/v3/x", "http://127.0.0.1:{port}"),
        ("https://127.0.0.1/api/v3/x", "127.0.0.1"),
        ("https://127.0.0.1:{port}@evil.example/x", "127.0.0.1:{port}@evil.example"),
        ("https://127.0.0.1:{port}\\\\@evil.example/x", "127.0.0.1:{port}\\\\@evil.example"),
        ("//evil.example/x", "evil.example"),
        ("file:///etc/passwd", "nowhere"),
        ("", None),
    ],
)
def test_the_token_goes_neither_without_tls_nor_to_another_port(
    certificate: tuple[Path, Path], waits: Waits, monkeypatch: pytest.MonkeyPatch, location: str, whither: str | None
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))
    with FakeGitHub(tls=certificate) as server:
        server.repository(NAME)
        fork = Repository(Client(Forge("git.corp.example", server.url), Token(server.token, "x"), waits), NAME)
        server.fault("GET", "", 302, headers={"Location": location.format(port=server.port)}, times=9)
        with pytest.raises(FarSideFailed) as caught:
            fork.info()
        if whither is None:
            assert caught.value.message == f"git.corp.example sends on the request to show {NAME} without end"
            return
        whither = whither.format(port=server.port)
        assert caught.value.message == (
            f"cannot show {NAME}: {host(server)} sends on to {whither}, which does not get the token"
        )
        assert len(server.seen) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_on_the_same_host_is_followed(github: FakeGitHub, fork: Repository, status: int) -> None:
    github.repository("poolsideai/renamed")
    github.fault("GET", f"/repos/{NAME}$", status, headers={"Location": "/api/v3/repos/poolsideai/renamed"})
    assert fork.info().full_name == "poolsideai/renamed"


def test_a_post_is_sent_on_as_it_is_or_not_at_all(github: FakeGitHub, fork: Repository) -> None:
    github.repository("poolsideai/renamed")
    github.fault("POST", NAME, 307, headers={"Location": f"{github.url}/repos/poolsideai/renamed/issues"})
    assert fork.create_issue(title="Moved", body="").number == 1
    assert github.repositories["poolsideai/renamed"].issues[0]["title"] == "Moved"
    github.fault("POST", NAME, 301, headers={"Location": f"{github.url}/repos/poolsideai/renamed/issues"})
    with pytest.raises(FarSideFailed) as caught:
        fork.create_issue(title="Lost", body="")
    assert caught.value.hints == ("was the repository renamed? set its new name under [github] in .poolside.toml",)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_failing_server_is_asked_again_for_what_may_be_repeated(
    github: FakeGitHub, fork: Repository, waits: Waits, status: int
) -> None:
    github.fault("GET", "", status, times=2)
    assert fork.info().default_branch == "main"
    assert waits == [
        (1.0, f"github.com failed to show {NAME} (HTTP {status})"),
        (2.0, f"github.com failed to show {NAME} (HTTP {status})"),
    ]


def test_a_failing_server_is_not_asked_for_ever(github: FakeGitHub, fork: Repository, waits: Waits) -> None:
    github.fault("GET", "", 503, times=4)
    with pytest.raises(FarSideFailed) as caught:
        fork.info()
    assert caught.value.exit_code == 5
    assert caught.value.hints == ("try again later; https://www.githubstatus.com shows its state",)
    assert [seconds for seconds, _ in waits] == [1.0, 2.0, 4.0]
    enterprise = Repository(Client(Forge("git.corp.example", github.url), None, waits), NAME)
    github.fault("GET", "", 503, times=4)
    with pytest.raises(FarSideFailed) as caught:
        enterprise.info()
    assert caught.value.hints == ("try again later; ask those who keep git.corp.example",)
    github.fault("GET", "", 418, body={"message": "I'm a teapot"})
    with pytest.raises(ApiFailed) as caught:
        enterprise.info()
    assert caught.value.hints == ("the words above are the server's; ask those who keep git.corp.example",)


@pytest.mark.parametrize(
    "fault",
    [{"status": 502}, {"cut": "before"}, {"cut": "after"}],
    ids=["502", "before", "after"],
)
def test_a_post_is_never_repeated(github: FakeGitHub, fork: Repository, waits: Waits, fault: dict[str, object]) -> None:
    github.fault("POST", "/issues", **fault)  # type: ignore[arg-type]
    with pytest.raises(Unanswered):
        fork.create_issue(title="Once", body="")
    assert (github.asked("POST"), waits) == ([f"POST /repos/{NAME}/issues"], [])


def test_a_cut_connection_is_tried_again_for_a_question(github: FakeGitHub, fork: Repository, waits: Waits) -> None:
    github.fault("GET", "", cut="before")
    assert fork.info().default_branch == "main"
    assert waits == [(1.0, f"cannot show {NAME}: the connection to {host(github)} failed")]


def test_a_server_that_does_not_answer_is_not_waited_for_without_end(
    github: FakeGitHub, fork: Repository, waits: Waits
) -> None:
    hasty = Repository(client(github, waits, patience=0.05), NAME)
    github.fault("POST", "/issues", hang=True)
    with pytest.raises(Unanswered) as caught:
        hasty.create_issue(title="Once", body="")
    assert caught.value.message == f"cannot open an issue: {host(github)} does not answer"
    github.wait_for(1)
    assert (github.asked("POST"), waits) == ([f"POST /repos/{NAME}/issues"], [])
    github.fault("GET", "", hang=True, times=4)
    with pytest.raises(Unanswered):
        hasty.info()
    assert [seconds for seconds, _ in waits] == [1.0, 2.0, 4.0]


LIMITS = {
    "retry-after": ({"Retry-After": "7"}, 403, "You have exceeded a secondary rate limit.", 7.0),
    "retry-after 0": ({"Retry-After": "0"}, 429, "Too many", 0.0),
    "primary": (
        {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1785585642"}, 403, "API rate limit exceeded", 43.0,
    ),
    "secondary": ({}, 403, "You have exceeded a secondary rate limit. Please wait a few minutes", 60.0),
    "429": ({}, 429, "Too many requests", 60.0),
    "no number": ({"Retry-After": "\u00b2"}, 429, "Too many requests", 60.0),
    "no time": (
        {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "9" * 400}, 403, "API rate limit exceeded", 60.0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LIMITS)
def test_a_rate_limit_is_waited_for(github: FakeGitHub, fork: Repository, waits: Waits, name: str) -> None:
    headers, status, text, seconds = LIMITS[name]
    github.fault("POST", "/issues", status, headers=headers, body={"message": text})
    assert fork.create_issue(title="Later", body="").number == 1
    assert waits == [(seconds, "github.com limits how often it is asked")]


def test_a_long_limit_is_said_and_not_waited_for(github: FakeGitHub, fork: Repository, waits: Waits) -> None:
    github.fault("GET", "", 429, headers={"Retry-After": "3600"})
    with pytest.raises(FarSideFailed) as caught:
        fork.info()
    assert caught.value.message == "github.com limits how often it is asked, for 60 more minutes"
    assert waits == []


def test_netrc_is_not_read(
    github: FakeGitHub, fork: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    netrc = f"{tmp_path}/netrc"
    with open(netrc, "w") as file:  # noqa: PTH123
        file.write("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", netrc)
    fork.info()
    nobody = Client(fork.client.forge, None, lambda seconds, why: None)
    nobody.get(f"/repos/{NAME}", "look")
    assert [one.headers.get("authorization") for one in github.seen] == [f"Bearer {github.token}", None]


def test_an_answer_that_is_not_githubs_is_said(github: FakeGitHub, fork: Repository) -> None:
    github.fault("GET", "", 200, body=b"<html>Log in</html>", headers={"Content-Type": "text/html"})
    with pytest.raises(FarSideFailed, match="answers, but not as GitHub does"):
        fork.info()
    github.fault("GET", "", 200, body={"full_name": 7})
    with pytest.raises(FarSideFailed, match="gave an answer that is not GitHub's"):
        fork.info()
    github.fault("GET", "", 200, body=b"[" * 100_000)
    with pytest.raises(FarSideFailed, match="answers, but not as GitHub does"):
        fork.info()
    github.fault("GET", "", 302, headers={"Location": "https://[evil/x"}, times=4)
    with pytest.raises(Unanswered, match="gave an answer that cannot be read"):
        fork.info()
    github.fault("GET", "/issues", 200, body=[], headers={"Link": '<http://[evil>; rel="next"'})
    with pytest.raises(FarSideFailed, match="sends on to nowhere"):
        list(fork.issues())


REFUSALS = {
    "401": (
        401, "Bad credentials", {},
        "the token from GH_TOKEN is not accepted: it is wrong, expired or revoked",
    ),
    "403 by integration": (
        403, "Resource not accessible by integration", {"X-Accepted-GitHub-Permissions": "actions=write"},
        "give the workflow's token the permission: permissions: { actions: write }",
    ),
    "403 by personal access token": (
        403, "Resource not accessible by personal access token",
        {"X-Accepted-GitHub-Permissions": "pull_requests=write; contents=read"},
        "give the fine-grained token from GH_TOKEN the permission pull_requests: write; contents: read",
    ),
    "403 by single sign-on": (
        403, "Resource protected by organization SAML enforcement.",
        {"X-GitHub-SSO": "required; url=https://github.com/orgs/poolsideai/sso?authorization_request=1"},
        "authorize the token from GH_TOKEN for the organization: "
        "https://github.com/orgs/poolsideai/sso?authorization_request=1",
    ),
    "403 by scope": (
        403, "Must have admin rights to Repository.",
        {"X-OAuth-Scopes": "gist, read:org", "X-Accepted-OAuth-Scopes": "public_repo, repo"},
        "the token from GH_TOKEN lacks the scope public_repo or repo",
    ),
    "403 by permission": (
        403, "Must have admin rights to Repository.", {"X-OAuth-Scopes": "repo", "X-Accepted-OAuth-Scopes": "repo"},
        "the account of the token from GH_TOKEN needs write access to the repository",
    ),
    "404 by scope": (
        404, "Not Found", {"X-OAuth-Scopes": "gist", "X-Accepted-OAuth-Scopes": "repo"},
        "the token from GH_TOKEN lacks the scope repo",
    ),
    "404": (404, "Not Found", {}, "it does not exist, or the token from GH_TOKEN may not see it"),
    "410": (410, "Issues has been disabled", {}, "this is switched off in the repository's settings"),
    "422": (422, "Validation Failed", {}, "nothing was done; the words above are the server's"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_says_what_to_do(github: FakeGitHub, fork: Repository, waits: Waits, name: str) -> None:
    status, text, headers, hint = REFUSALS[name]
    github.accounts[github.token] = Account("pat", scopes=None)
    github.fault("POST", "/issues", status, headers=headers, body={"message": text})
    with pytest.raises(ApiFailed) as caught:
        fork.create_issue(title="Refused", body="")
    assert caught.value.message == f"github.com refused to open an issue: {text}"
    assert (caught.value.exit_code, caught.value.hints[0]) == (5, hint)
    assert waits == []
    assert len(github.asked("POST")) == 1


def test_each_error_of_an_answer_is_shown(github: FakeGitHub, fork: Repository) -> None:
    errors = [{"resource": "Issue", "field": "title", "code": "missing_field"}, {"message": "body is too long"}]
    github.fault("POST", "/issues", 422, body={"message": "Validation Failed", "errors": errors})
    with pytest.raises(ApiFailed) as caught:
        fork.create_issue(title="", body="")
    assert caught.value.message == (
        "github.com refused to open an issue: Validation Failed\n  Issue title missing_field\n  body is too long"
    )


@pytest.mark.parametrize("name", ["", "pytorch", "a/b/c", "../..", "a/..", "a/b?c", "-a/b", "a/b\n", "a b/c"])
def test_what_is_no_repository_is_not_asked_for(fork: Repository, name: str) -> None:
    with pytest.raises(Refused, match="is no repository on GitHub"):
        Repository(fork.client, name)


def test_a_proxy_is_heeded(github: FakeGitHub, fork: Repository, waits: Waits, monkeypatch: pytest.MonkeyPatch) -> None:
    behind = Repository(Client(Forge("github.com", "http://localhost:1"), fork.client.token, waits), NAME)
    monkeypatch.setenv("http_proxy", f"http://user:secret@127.0.0.1:{github.port}")
    assert behind.info().full_name == NAME
    assert github.seen[-1].base == "http://localhost:1"
    monkeypatch.setenv("no_proxy", "localhost")
    with pytest.raises(Unanswered):
        behind.info()


def test_a_proxy_that_is_not_there_is_said_without_its_password(
    fork: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://user:secret@127.0.0.1:1")
    with pytest.raises(FarSideFailed) as caught:
        fork.info()
    assert caught.value.message.startswith(f"cannot show {NAME}: the proxy does not let 127.0.0.1:")
    assert caught.value.hints == ("https_proxy and no_proxy name the proxy and what goes without",)
    assert "secret" not in "".join(traceback.format_exception(caught.value))
    with pytest.raises(Unanswered, match="the proxy does not let"):  # it may break behind a POST too
        fork.create_issue(title="Once", body="")


@pytest.mark.parametrize("proxy", ["http://[x", "what://x", "http://:9"])
def test_a_proxy_that_cannot_be_one_is_said(
    github: FakeGitHub, fork: Repository, waits: Waits, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    with pytest.raises(FarSideFailed) as caught:
        fork.info()
    assert caught.value.message == (
        f"cannot show {NAME}: the address of the proxy, or of {host(github)}, cannot be used"
    )
    assert (waits, github.seen) == ([], [])


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that nobody signed but itself, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    files = tmp_path / "certificate.pem", tmp_path / "key.pem"
    words = [
        "openssl",
        "req",
        "-x509",
        "-nodes",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-subj",
        "/CN=x",
        "-days",
        "1",
    ]
    subject = ["-addext", "subjectAltName=IP:127.0.0.1", "-out", str(files[0]), "-keyout", str(files[1])]
    subprocess.run([*words, *subject], check=True, capture_output=True)
    return files


def test_a_certificate_has_to_be_trusted(
    certificate: tuple[Path, Path], waits: Waits, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with FakeGitHub(tls=certificate) as server:
        server.repository(NAME)
        fork = Repository(Client(Forge("git.corp.example", server.url), Token(server.token, "x"), waits), NAME)
        with pytest.raises(FarSideFailed) as caught:
            fork.info()
        assert caught.value.message == f"cannot show {NAME}: the certificate of {host(server)} is not trusted"
        assert caught.value.hints == ("export REQUESTS_CA_BUNDLE=FILE   (your company's certificates)",)
        assert server.seen == []
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))
        assert fork.info().full_name == NAME
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "gone"))
        with pytest.raises(FarSideFailed, match="there is no file of certificates where it should be"):
            fork.info()
    assert waits == []


@pytest.mark.parametrize("cut", ["after", "garbled"])
def test_a_connection_with_tls_that_breaks_behind_a_post_does_not_tell(
    certificate: tuple[Path, Path], waits: Waits, monkeypatch: pytest.MonkeyPatch, cut: str
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))
    with FakeGitHub(tls=certificate) as server:
        server.repository(NAME)
        fork = Repository(Client(Forge("git.corp.example", server.url), Token(server.token, "x"), waits), NAME)
        server.fault("POST", "/issues", cut=cut)
        with pytest.raises(Unanswered):
            fork.create_issue(title="Once", body="")
        assert (server.asked("POST"), len(server.repositories[NAME].issues)) == ([f"POST /repos/{NAME}/issues"], 1)
    assert waits == []


def test_a_server_without_tls_is_said(github: FakeGitHub, waits: Waits) -> None:
    fork = Repository(Client(Forge("x", f"https://127.0.0.1:{github.port}"), None, waits), NAME)
    with pytest.raises(FarSideFailed) as caught:
        fork.info()
    assert caught.value.message == f"cannot show {NAME}: {host(github)} does not speak TLS"


def test_a_token_that_a_server_repeats_is_not_shown(github: FakeGitHub, fork: Repository) -> None:
    body = {"message": f"bad {github.token}", "errors": [github.token, {"message": f"x{github.token}"}]}
    github.fault("GET", "", 422, body=body)
    with pytest.raises(ApiFailed) as caught:
        fork.info()
    assert caught.value.message == f"github.com refused to show {NAME}: bad ***\n  ***\n  x***"
    assert github.token not in "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))


def test_a_client_that_hangs_up_makes_the_fake_say_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = threading.Event()
    monkeypatch.setattr("socketserver.TCPServer.shutdown_request", lambda *_: ended.set())
    with FakeGitHub() as fake:
        with socket.create_connection(("127.0.0.1", fake.port)) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.sendall(b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n")
        assert ended.wait(60)
    assert capsys.readouterr() == ("", "")
