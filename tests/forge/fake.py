"""A GitHub with a memory, over real HTTP on loopback: the only part of the world that tests do not take as it is.

It keeps repositories with pull requests, issues and workflow runs, reads branches and workflow files from real git
repositories, and has a clock of its own, which `sleep` moves: runs go on as time passes on that clock.
"""

from __future__ import annotations

import copy
import json
import os
import re
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Condition, Event, RLock, Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from tests.forge.openapi import GITHUB

JSON = dict[str, Any]
BEGIN = datetime(2026, 8, 1, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Seen:
    """One request that came; `body` is its decoded JSON, `base` where it asked, as the links of the answer have it."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any
    base: str = ""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass
class Fault:
    """What happens in place of an answer, `times` times: `status` with `body`, or the connection is cut (`cut` is
    ``before`` or ``after`` the request is carried out, or ``garbled``: after it, with bytes that are no TLS) or stays
    open without a word (`hang`, after it). With `done` the request is carried out all the same.
    """

    method: str
    pattern: str
    status: int = 0
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: str = ""
    hang: bool = False
    done: bool = False
    times: int = 1


@dataclass
class Account:
    """Whose token it is; `scopes` are a classic token's, None for a fine-grained one."""

    login: str
    scopes: str | None = "repo, workflow"
    may_push: bool = True


@dataclass
class Plan:
    """How a run goes: seconds in the queue, then jobs side by side, each a list of (step, seconds, conclusion)."""

    queued: float = 5
    jobs: Mapping[str, list[tuple[str, float, str]]] = field(
        default_factory=lambda: {"build": [("Check out", 10, "success"), ("Build the wheel", 90, "success")]}
    )
    artifacts: tuple[str, ...] = ()


@dataclass
class FakeRun:
    """One run of a workflow: what it was made from, and how it goes."""

    id: int
    number: int
    workflow: str
    branch: str
    head: str
    event: str
    actor: str
    inputs: Mapping[str, str]
    created: datetime
    plan: Plan
    hidden: int = 0
    cancelled: datetime | None = None


@dataclass
class FakeRepository:
    """One repository; `git` is a bare repository whose branches and files it has, `refs` those it has without one.

    `run_details` is false as on an Enterprise Server to 3.19, which does not know ``return_run_details``; a new run
    does not show in the first `hidden` lists after it.
    """

    name: str
    default_branch: str = "main"
    git: Path | None = None
    refs: dict[str, str] = field(default_factory=dict)
    pulls: list[JSON] = field(default_factory=list)
    issues: list[JSON] = field(default_factory=list)
    comments: list[tuple[int, str]] = field(default_factory=list)
    runs: list[FakeRun] = field(default_factory=list)
    plan: Plan = field(default_factory=Plan)
    run_details: bool = True
    issues_enabled: bool = True
    private: bool = False
    workflow_state: str = "active"
    files: dict[str, str] = field(default_factory=dict)
    hidden: int = 0
    asked: dict[tuple[str, ...], str] = field(default_factory=dict)

    def begin(
        self, workflow: str, branch: str, actor: str, fake: FakeGitHub, inputs: Mapping[str, str] = {}
    ) -> FakeRun:
        """A new run on a branch, as its tip is now."""
        head = self.tip(branch)
        assert head is not None
        number, plan = len(self.runs) + 1, copy.deepcopy(self.plan)
        run = FakeRun(
            fake.id(), number, workflow, branch, head, "workflow_dispatch", actor, inputs, fake.now, plan, self.hidden
        )
        self.runs.append(run)
        return run

    def tip(self, branch: str) -> str | None:
        """The commit of a branch."""
        if self.git is None:
            return self.refs.get(branch)
        file = self.git / "refs" / "heads" / branch
        return file.read_text().strip() if file.is_file() else self._packed().get(f"refs/heads/{branch}")

    def _packed(self) -> dict[str, str]:
        """The branches that have no file of their own."""
        file = (self.git or Path()) / "packed-refs"
        lines = file.read_text().splitlines() if file.is_file() else []
        return {name: oid for oid, _, name in (line.partition(" ") for line in lines)}

    def contains(self, commit: str, branch: str) -> bool:
        """Whether `branch` has the commit: then there is nothing to propose."""
        if self.git is None:
            return False
        words = ["git", "merge-base", "--is-ancestor", commit, f"refs/heads/{branch}"]  # fails for a commit it lacks
        return subprocess.run(words, cwd=self.git, capture_output=True, check=False).returncode == 0

    def file(self, branch: str, path: str) -> str | None:
        """A file's text on a branch."""
        if self.git is None:
            return self.files.get(path)
        return self._ask("cat-file", "blob", f"{self.tip(branch)}:{path}") or None

    def folder(self, branch: str, path: str) -> list[str]:
        """The paths of a folder's files on a branch."""
        if self.git is None:
            return list(self.files)
        return self._ask("ls-tree", "--name-only", f"{self.tip(branch)}", f"{path}/").splitlines()

    def _ask(self, *words: str) -> str:
        """What a commit has; it is asked once."""
        if words not in self.asked:
            done = subprocess.run(["git", *words], cwd=self.git, capture_output=True, text=True, check=False)
            self.asked[words] = done.stdout
        return self.asked[words]


class No(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, message: str, errors: Any = None, headers: Mapping[str, str] = {}) -> None:
        super().__init__(message)
        self.status = status
        self.body: JSON = {"message": message, "documentation_url": "https://docs.github.com/rest"}
        if errors is not None:
            self.body["errors"] = errors
        self.headers = dict(headers)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hung up is none; anything else is a mistake here, and told."""
        if not isinstance(sys.exception(), ConnectionError | ssl.SSLError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class FakeGitHub:
    """The server: `url` is the base of its interface; everything that came is in `seen`.

    What GitHub's own description says is wrong with a request or an answer is in `wrong`; a path in `undescribed` is
    not looked at.
    """

    def __init__(self, tls: tuple[Path, Path] | None = None) -> None:
        """With `tls`, files of a certificate and its key, it speaks https."""
        self._tls = tls
        self.token = "ghp_sesameOpenSesame"
        self.accounts = {self.token: Account("pat")}
        self.now = BEGIN
        self.slept: list[float] = []
        self.repositories: dict[str, FakeRepository] = {}
        self.seen: list[Seen] = []
        self.faults: list[Fault] = []
        self.wrong: list[str] = []
        self.undescribed = {"/graphql"}
        self.page_size = 100
        self.before_dispatch: Callable[[], object] = lambda: None
        self.after_dispatch: Callable[[], object] = lambda: None
        self._lock = RLock()
        self._came = Condition(self._lock)
        self._closing = Event()
        self._next_id = 1000

    def __enter__(self) -> FakeGitHub:
        GITHUB.prepare()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        if self._tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self._tls)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}/api/v3"

    def repository(self, name: str, git: Path | None = None, default_branch: str = "main") -> FakeRepository:
        """A new repository."""
        made = self.repositories[name] = FakeRepository(name, default_branch, git)
        return made

    def fault(self, method: str, pattern: str, status: int = 0, **rest: Any) -> None:
        """Have requests of `method` whose path matches `pattern` go wrong (see `Fault`)."""
        self.faults.append(Fault(method, pattern, status, **rest))

    def sleep(self, seconds: float) -> None:
        """Time passes."""
        with self._lock:
            self.slept.append(seconds)
            self.now += timedelta(seconds=seconds)

    def asked(self, method: str = "") -> list[str]:
        """The requests that came, as ``METHOD /path`` without the base."""
        return [str(one) for one in self.seen if method in ("", one.method)]

    def wait_for(self, requests: int) -> None:
        """Return when so many have come: a client that gives up early may be ahead of them."""
        with self._came:
            self._came.wait_for(lambda: len(self.seen) >= requests, timeout=60)

    def id(self) -> int:
        self._next_id += 1
        return self._next_id

    # A request and its answer

    def handle(self, request: Seen) -> tuple[int, Any, dict[str, str]] | None:
        """Status, body and headers; None cuts the connection."""
        with self._lock:
            self.seen.append(request)
            self._came.notify_all()
            fault = next(
                (one for one in self.faults if one.method == request.method and re.search(one.pattern, request.path)),
                None,
            )
            if fault is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self.faults.remove(fault)
            self._check(
                "request", request, GITHUB.of_request(request.method, request.path, request.query, request.body)
            )
            if fault is None or fault.hang or fault.done or fault.cut in ("after", "garbled"):
                answer = self._answer(request)
                self._check("answer", request, GITHUB.of_answer(request.method, request.path, *answer[:2]))
            if fault is not None and fault.status:
                answer = fault.status, fault.body, dict(fault.headers)
        if fault is not None and fault.hang:
            self._closing.wait()
            return None
        if fault is not None and fault.cut:
            return (0, None, {}) if fault.cut == "garbled" else None
        return answer

    def _check(self, what: str, request: Seen, problems: Iterable[str]) -> None:
        if request.path not in self.undescribed:
            self.wrong += [f"{what} {request}: {problem}" for problem in problems]

    def _answer(self, request: Seen) -> tuple[int, Any, dict[str, str]]:
        from tests.forge.answers import ROUTES
        from tests.forge.graphql import graphql

        headers: dict[str, str] = {}
        try:
            account = self._account(request)
            if account is not None and account.scopes is not None:
                headers["X-OAuth-Scopes"] = account.scopes
            for method, pattern, action in (*ROUTES, ("POST", "/graphql", graphql)):
                found = re.fullmatch(pattern, request.path)
                if found and method == request.method:
                    words = [unquote(word) for word in found.groups()]
                    status, body, more = action(self, request, account, *words)
                    return status, body, {**headers, **more}
            raise No(404, "Not Found")
        except No as no:
            return no.status, no.body, {**headers, **no.headers}

    def _account(self, request: Seen) -> Account | None:
        given = request.headers.get("authorization", "")
        if not given:
            if request.method != "GET":
                raise No(401, "Requires authentication")
            return None
        account = self.accounts.get(given.partition(" ")[2])
        if account is None:
            raise No(401, "Bad credentials")
        return account

    def repo(self, owner: str, name: str) -> FakeRepository:
        found = self.repositories.get(f"{owner}/{name}")
        if found is None:
            raise No(404, "Not Found")
        return found

    def page(self, request: Seen, items: list[Any]) -> tuple[list[Any], dict[str, str]]:
        """The page that was asked for, and the Link header to the next."""
        size = min(int(request.query.get("per_page", "30")), self.page_size)
        number = int(request.query.get("page", "1"))
        part = items[size * (number - 1) : size * number]
        if size * number >= len(items):
            return part, {}
        query = urlencode({**request.query, "page": number + 1})
        return part, {"Link": f'<{request.base}{request.path}?{query}>; rel="next", <{request.base}/x>; rel="last"'}


def _handler(fake: FakeGitHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # an answer in one piece: the kernel would hold a second one back for 40 ms
        server_version = "GitHub.com"
        sys_version = ""

        def _serve(self) -> None:
            url = urlsplit(self.path)
            length = int(self.headers.get("Content-Length", "0"))
            data = self.rfile.read(length)
            query = {name: values[-1] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            path = url.path.removeprefix("/api/v3")
            base = f"{url.scheme}://{url.netloc}" if url.netloc else fake.url  # absolute when it comes as to a proxy
            body = json.loads(data) if data else None
            answer = fake.handle(Seen(self.command, path, query, headers, body, base))
            if answer is None:
                self.close_connection = True
                return
            status, body, more = answer
            if status == 0:
                os.write(self.connection.fileno(), b"garbled")
                self.close_connection = True
                return
            raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            if "Content-Type" not in more and raw:
                self.send_header("Content-Type", "application/json; charset=utf-8")
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve

        def date_time_string(self, timestamp: float | None = None) -> str:
            return format_datetime(fake.now, usegmt=True)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing is written: `seen` has it all."""

    return Handler
