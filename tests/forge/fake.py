"""A GitHub with a memory, over real HTTP on loopback: the only part of the world that tests do not take as it is.

It keeps repositories with pull requests, issues and workflow runs, reads branches and workflow files from real git
repositories, and has a clock of its own, which `sleep` moves: runs go on as time passes on that clock.
"""

from __future__ import annotations

import copy
import json
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, RLock, Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import yaml

JSON = dict[str, Any]
BEGIN = datetime(2026, 8, 1, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Seen:
    """One request that came; `body` is its decoded JSON."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass
class Fault:
    """What happens in place of an answer, `times` times: `status` with `body`, or the connection is cut (`cut` is
    ``before`` or ``after`` the request is carried out) or stays open without a word (`hang`, after it). With `done` the
    request is carried out all the same.
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


@dataclass
class Plan:
    """How a run goes: seconds in the queue, then jobs side by side, each a list of (step, seconds, conclusion)."""

    queued: float = 5
    jobs: Mapping[str, list[tuple[str, float, str]]] = field(
        default_factory=lambda: {"build": [("Check out", 10, "success"), ("Build the wheel", 590, "success")]}
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
    files: dict[str, str] = field(default_factory=dict)
    hidden: int = 0

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
        return self._ask("rev-parse", "-q", "--verify", f"refs/heads/{branch}^{{commit}}").strip() or None

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
        return self._ask("cat-file", "blob", f"refs/heads/{branch}:{path}") or None

    def _ask(self, *words: str) -> str:
        return subprocess.run(["git", *words], cwd=self.git, capture_output=True, text=True, check=False).stdout


class No(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, message: str, errors: Any = None, headers: Mapping[str, str] = {}) -> None:
        super().__init__(message)
        self.status = status
        self.body: JSON = {"message": message, "documentation_url": "https://docs.github.com/rest"}
        if errors is not None:
            self.body["errors"] = errors
        self.headers = dict(headers)


class FakeGitHub:
    """The server: `url` is the base of its interface; everything that came is in `seen`."""

    def __init__(self) -> None:
        self.token = "ghp_sesameOpenSesame"
        self.accounts = {self.token: Account("pat")}
        self.now = BEGIN
        self.slept: list[float] = []
        self.repositories: dict[str, FakeRepository] = {}
        self.seen: list[Seen] = []
        self.faults: list[Fault] = []
        self.page_size = 100
        self.before_dispatch: Callable[[], object] = lambda: None
        self.after_dispatch: Callable[[], object] = lambda: None
        self._lock = RLock()
        self._closing = Event()
        self._next_id = 1000

    def __enter__(self) -> FakeGitHub:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
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
        return f"http://127.0.0.1:{self.port}/api/v3"

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

    def id(self) -> int:
        self._next_id += 1
        return self._next_id

    # A request and its answer

    def handle(self, request: Seen) -> tuple[int, Any, dict[str, str]] | None:
        """Status, body and headers; None cuts the connection."""
        with self._lock:
            self.seen.append(request)
            fault = next(
                (one for one in self.faults if one.method == request.method and re.search(one.pattern, request.path)),
                None,
            )
            if fault is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self.faults.remove(fault)
            if fault is None or fault.hang or fault.done or fault.cut == "after":
                answer = self._answer(request)
            if fault is not None and fault.status:
                answer = fault.status, fault.body, dict(fault.headers)
        if fault is not None and fault.hang:
            self._closing.wait()
            return None
        return None if fault is not None and fault.cut else answer

    def _answer(self, request: Seen) -> tuple[int, Any, dict[str, str]]:
        headers: dict[str, str] = {}
        try:
            account = self._account(request)
            if account is not None and account.scopes is not None:
                headers["X-OAuth-Scopes"] = account.scopes
            for method, pattern, action in ROUTES:
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
        return part, {"Link": f'<{self.url}{request.path}?{query}>; rel="next", <{self.url}/x>; rel="last"'}


Reply = tuple[int, Any, dict[str, str]]
Action = Callable[..., Reply]
_REPO = r"/repos/([^/]+)/([^/]+)"
_WORKFLOW = _REPO + r"/actions/workflows/([^/]+)"
_RUN = _REPO + r"/actions/runs/(\d+)"


def iso(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def _user(login: str) -> JSON:
    return {"login": login, "id": 1, "type": "User"}


def get_user(fake: FakeGitHub, request: Seen, account: Account | None) -> Reply:
    if account is None:
        raise No(401, "Requires authentication")
    if account.login.endswith("[bot]"):
        raise No(403, "Resource not accessible by integration")
    return 200, _user(account.login), {}


def get_repository(fake: FakeGitHub, request: Seen, account: Account | None, owner: str, name: str) -> Reply:
    repo = fake.repo(owner, name)
    body = {"full_name": repo.name, "default_branch": repo.default_branch, "permissions": {"push": account is not None}}
    return 200, body, {}


# Pull requests and issues


def list_pulls(fake: FakeGitHub, request: Seen, account: Account | None, owner: str, name: str) -> Reply:
    repo = fake.repo(owner, name)
    state, head = request.query.get("state", "open"), request.query.get("head", "")
    found = [
        _pull(fake, repo, one)
        for one in reversed(repo.pulls)
        if state in ("all", one["state"]) and head in ("", one["label"])
    ]
    part, headers = fake.page(request, found)
    return 200, part, headers


def get_pull(fake: FakeGitHub, request: Seen, account: Account | None, owner: str, name: str, number: str) -> Reply:
    repo = fake.repo(owner, name)
    return 200, _pull(fake, repo, _numbered(repo.pulls, number)), {}


def create_pull(fake: FakeGitHub, request: Seen, account: Account | None, owner: str, name: str) -> Reply:
    """As docs.github.com, "Create a pull request": `head` is ``owner:branch``, or a branch of the repository's."""
    repo = fake.repo(owner, name)
    asked = request.body
    assert account is not None
    label = asked["head"] if ":" in asked["head"] else f"{owner}:{asked['head']}"
    whose, _, branch = label.partition(":")
    source = next((one for one in fake.repositories.values() if one.name.startswith(f"{whose}/")), None)
    tip = source.tip(branch) if source is not None else None
    if tip is None:
        raise No(422, "Validation Failed", [{"resource": "PullRequest", "field": "head", "code": "invalid"}])
    if any(one["label"] == label and one["base"] == asked["base"] and one["state"] == "open" for one in repo.pulls):
        raise _invalid(f"A pull request already exists for {label}.")
    if repo.contains(tip, asked["base"]):
        raise _invalid(f"No commits between {asked['base']} and {branch}")
    made = {
        "id": fake.id(),
        "number": _next_number(repo),
        "state": "open",
        "title": asked["title"],
        "body": asked.get("body"),
        "draft": bool(asked.get("draft")),
        "label": label,
        "base": asked["base"],
        "merged_at": None,
        "login": account.login,
        "created": iso(fake.now),
    }
    repo.pulls.append(made)
    return 201, _pull(fake, repo, made), {}


def update_pull(fake: FakeGitHub, request: Seen, account: Account | None, owner: str, name: str, number: str) -> Reply:
    repo = fake.repo(owner, name)
    one = _numbered(repo.pulls, number)
    one.update({key: value for key, value in request.body.items() if key in ("title", "body", "state", "base")})
    return 200, _pull(fake, repo, one), {}


def list_issues(fake: FakeGitHub, request: Seen, account: Account | None, owner: str, name: str) -> Reply:
    repo = _with_issues(fake, owner, name)
    state, labels = request.query.get("state", "open"), request.query.get("labels", "")
    found = [
        _issue(repo, one)
        for one in sorted([*repo.issues, *repo.pulls], key=lambda one: -one["number"])
        if state in ("all", one["state"]) and set(filter(None, labels.split(","))) <= set(one.get("labels", ()))
    ]
    part, headers = fake.page(request, found)
    return 200, part, headers


def create_issue(fake: FakeGitHub, request: Seen, account: Account | None, owner: str, name: str) -> Reply:
    repo = _with_issues(fake, owner, name)
    assert account is not None
    made = {
        "id": fake.id(),
        "number": _next_number(repo),
        "state": "open",
        "title": request.body["title"],
        "body": request.body.get("body"),
        "labels": request.body.get("labels", []),
        "login": account.login,
        "created": iso(fake.now),
    }
    repo.issues.append(made)
    return 201, _issue(repo, made), {}


def update_issue(fake: FakeGitHub, request: Seen, account: Account | None, owner: str, name: str, number: str) -> Reply:
    repo = _with_issues(fake, owner, name)
    one = _numbered(repo.issues, number)
    keys = ("title", "body", "state", "state_reason", "labels")
    one.update({key: value for key, value in request.body.items() if key in keys})
    return 200, _issue(repo, one), {}


def create_comment(
    fake: FakeGitHub, request: Seen, account: Account | None, owner: str, name: str, number: str
) -> Reply:
    repo = fake.repo(owner, name)
    assert account is not None
    _numbered([*repo.issues, *repo.pulls], number)
    repo.comments.append((int(number), request.body["body"]))
    return 201, {"id": fake.id(), "body": request.body["body"], "user": _user(account.login)}, {}


def _invalid(message: str) -> No:
    return No(422, "Validation Failed", [{"resource": "PullRequest", "code": "custom", "message": message}])


def _with_issues(fake: FakeGitHub, owner: str, name: str) -> FakeRepository:
    repo = fake.repo(owner, name)
    if not repo.issues_enabled:
        raise No(410, "Issues has been disabled in this repository.")
    return repo


def _numbered(items: list[JSON], number: str) -> JSON:
    found = next((one for one in items if one["number"] == int(number)), None)
    if found is None:
        raise No(404, "Not Found")
    return found


def _next_number(repo: FakeRepository) -> int:
    return max((one["number"] for one in [*repo.pulls, *repo.issues]), default=0) + 1


def _pull(fake: FakeGitHub, repo: FakeRepository, one: JSON) -> JSON:
    whose, _, branch = one["label"].partition(":")
    source = next((r for r in fake.repositories.values() if r.name.startswith(f"{whose}/")), repo)
    return {
        "id": one["id"],
        "number": one["number"],
        "state": one["state"],
        "title": one["title"],
        "body": one["body"],
        "draft": one["draft"],
        "merged_at": one["merged_at"],
        "html_url": f"https://github.com/{repo.name}/pull/{one['number']}",
        "head": {"label": one["label"], "ref": branch, "sha": source.tip(branch) or "0" * 40},
        "base": {"label": f"{repo.name.split('/')[0]}:{one['base']}", "ref": one["base"]},
        "user": _user(one["login"]),
    }


def _issue(repo: FakeRepository, one: JSON) -> JSON:
    kind = "pull" if "label" in one else "issues"
    made = {
        "id": one["id"],
        "number": one["number"],
        "state": one["state"],
        "title": one["title"],
        "body": one["body"],
        "labels": [{"name": name} for name in one.get("labels", ())],
        "html_url": f"https://github.com/{repo.name}/{kind}/{one['number']}",
        "user": _user(one["login"]),
    }
    if kind == "pull":
        made["pull_request"] = {"html_url": made["html_url"]}
    return made


# Workflows and their runs


def _workflow(repo: FakeRepository, name: str) -> JSON:
    """A workflow is known by its file on the default branch; its number is that of the file's name."""
    files = {path.rpartition("/")[2] for path in _workflow_files(repo)}
    file = next((one for one in sorted(files) if name in (one, str(_number(one)))), None)
    text = repo.file(repo.default_branch, f".github/workflows/{file}") if file else None
    if file is None or text is None:
        raise No(404, "Not Found")
    return {
        "id": _number(file),
        "name": yaml.load(text, yaml.BaseLoader).get("name", file),
        "path": f".github/workflows/{file}",
        "state": "active",
        "file": file,
    }


def _number(file: str) -> int:
    return int.from_bytes(file.encode()[:6]) % 1_000_000


def _workflow_files(repo: FakeRepository) -> list[str]:
    if repo.git is None:
        return list(repo.files)
    listing = repo._ask("ls-tree", "--name-only", f"refs/heads/{repo.default_branch}", ".github/workflows/")
    return listing.splitlines()


def list_workflows(fake: FakeGitHub, request: Seen, account: Account | None, owner: str, name: str) -> Reply:
    repo = fake.repo(owner, name)
    found = [_workflow(repo, path.rpartition("/")[2]) for path in _workflow_files(repo)]
    part, headers = fake.page(request, found)
    return 200, {"total_count": len(found), "workflows": part}, headers


def get_workflow(fake: FakeGitHub, request: Seen, account: Account | None, owner: str, name: str, file: str) -> Reply:
    return 200, _workflow(fake.repo(owner, name), file), {}


def dispatch(fake: FakeGitHub, request: Seen, account: Account | None, owner: str, name: str, file: str) -> Reply:
    """As docs.github.com, "Create a workflow dispatch event"; the texts are those that GitHub answers."""
    repo = fake.repo(owner, name)
    assert account is not None
    workflow = _workflow(repo, file)
    asked = request.body
    if "return_run_details" in asked and not repo.run_details:
        raise No(422, 'Invalid request.\n\n"return_run_details" is not a permitted key.')
    branch = asked["ref"].removeprefix("refs/heads/")
    head, text = repo.tip(branch), repo.file(branch, workflow["path"])
    if head is None:
        raise No(422, f"No ref found for: {asked['ref']}")
    on = yaml.load(text or "", yaml.BaseLoader) or {}
    triggers = on.get("on", {})
    if "workflow_dispatch" not in triggers:
        raise No(422, "Workflow does not have 'workflow_dispatch' trigger")
    described = triggers["workflow_dispatch"] if isinstance(triggers, dict) else {}
    inputs = _inputs((described or {}).get("inputs") or {}, asked.get("inputs", {}))
    concurrency = on.get("concurrency", {})
    if isinstance(concurrency, dict) and concurrency.get("cancel-in-progress") == "true":
        for one in repo.runs:
            if one.workflow == workflow["file"] and _status(fake, one)[0] != "completed":
                one.cancelled = fake.now
    fake.before_dispatch()
    run = repo.begin(workflow["file"], branch, account.login, fake, inputs)
    fake.after_dispatch()
    if not asked.get("return_run_details"):
        return 204, None, {}
    urls = {"run_url": f"{fake.url}/repos/{repo.name}/actions/runs/{run.id}", "html_url": _run_url(repo, run)}
    return 200, {"workflow_run_id": run.id, **urls}, {}


def _inputs(described: JSON, given: Mapping[str, str]) -> dict[str, str]:
    if unknown := sorted(set(given) - set(described)):
        raise No(422, f"Unexpected inputs provided: {json.dumps(unknown)}")
    found: dict[str, str] = {}
    for name, one in described.items():
        one = one or {}
        if name not in given and one.get("required") == "true" and "default" not in one:
            raise No(422, f"Required input '{name}' not provided")
        value = given.get(name, one.get("default", ""))
        if one.get("type") == "choice" and value not in one["options"]:
            raise No(422, f"Provided value '{value}' for input '{name}' not in the list of allowed values")
        found[name] = value
    return found


def list_runs(fake: FakeGitHub, request: Seen, account: Account | None, owner: str, name: str, file: str = "") -> Reply:
    """As "List workflow runs for a workflow", with its filters."""
    repo = fake.repo(owner, name)
    workflow = _workflow(repo, file)["file"] if file else ""
    query = request.query
    since = query.get("created", "").removeprefix(">=")
    found = [
        one
        for one in reversed(repo.runs)
        if workflow in ("", one.workflow)
        and query.get("event", one.event) == one.event
        and query.get("branch", one.branch) == one.branch
        and query.get("head_sha", one.head) == one.head
        and query.get("actor", one.actor) == one.actor
        and query.get("status", "") in ("", *_status(fake, one))
        and since <= iso(one.created)
        and not one.hidden
    ]
    for one in repo.runs:
        one.hidden = max(0, one.hidden - 1)
    part, headers = fake.page(request, [_run(fake, repo, one) for one in found])
    return 200, {"total_count": len(found), "workflow_runs": part}, headers


def _find_run(fake: FakeGitHub, owner: str, name: str, number: str) -> tuple[FakeRepository, FakeRun]:
    repo = fake.repo(owner, name)
    run = next((one for one in repo.runs if one.id == int(number) and not one.hidden), None)
    if run is None:
        raise No(404, "Not Found")
    return repo, run


def get_run(fake: FakeGitHub, request: Seen, account: Account | None, owner: str, name: str, number: str) -> Reply:
    return 200, _run(fake, *_find_run(fake, owner, name, number)), {}


def list_jobs(fake: FakeGitHub, request: Seen, account: Account | None, owner: str, name: str, number: str) -> Reply:
    repo, run = _find_run(fake, owner, name, number)
    jobs = [_job(fake, repo, run, job) for job in run.plan.jobs]
    part, headers = fake.page(request, jobs)
    return 200, {"total_count": len(jobs), "jobs": part}, headers


def list_artifacts(
    fake: FakeGitHub, request: Seen, account: Account | None, owner: str, name: str, number: str
) -> Reply:
    _, run = _find_run(fake, owner, name, number)
    names = run.plan.artifacts if _status(fake, run) == ("completed", "success") else ()
    found = [
        {"id": 1 + place, "name": name, "size_in_bytes": 1000, "expired": False} for place, name in enumerate(names)
    ]
    part, headers = fake.page(request, found)
    return 200, {"total_count": len(found), "artifacts": part}, headers


def _elapsed(fake: FakeGitHub, run: FakeRun) -> float:
    """Seconds since the run left the queue."""
    return ((run.cancelled or fake.now) - run.created).total_seconds() - run.plan.queued


def _status(fake: FakeGitHub, run: FakeRun) -> tuple[str, str | None]:
    if run.cancelled:
        return "completed", "cancelled"
    if _elapsed(fake, run) < 0:
        return "queued", None
    ends = [_job_state(fake, run, job) for job in run.plan.jobs]
    if any(status != "completed" for status, _ in ends):
        return "in_progress", None
    return "completed", "success" if all(conclusion == "success" for _, conclusion in ends) else "failure"


def _job_state(fake: FakeGitHub, run: FakeRun, job: str) -> tuple[str, str | None]:
    steps = _steps(fake, run, job)
    if _elapsed(fake, run) < 0 and not run.cancelled:
        return "queued", None
    if any(step["conclusion"] in ("failure", "cancelled") for step in steps):
        return "completed", next(s["conclusion"] for s in steps if s["conclusion"] in ("failure", "cancelled"))
    return ("completed", "success") if steps[-1]["status"] == "completed" else ("in_progress", None)


def _steps(fake: FakeGitHub, run: FakeRun, job: str) -> list[JSON]:
    """Each step as it stands now; after one that failed the others are skipped."""
    elapsed, begins, found, failed = _elapsed(fake, run), 0.0, [], ""
    start = run.created + timedelta(seconds=run.plan.queued)
    for number, (name, seconds, conclusion) in enumerate(run.plan.jobs[job], 1):
        step: JSON = {"name": name, "number": number, "status": "queued", "conclusion": None}
        step |= {"started_at": None, "completed_at": None}
        if failed:
            step |= {"status": "completed", "conclusion": "skipped"}
        elif begins <= elapsed:
            step |= {"status": "in_progress", "started_at": iso(start + timedelta(seconds=begins))}
            ended = begins + seconds <= elapsed
            if ended or run.cancelled:
                conclusion = conclusion if ended else "cancelled"
                end = start + timedelta(seconds=min(begins + seconds, elapsed))
                step |= {"status": "completed", "conclusion": conclusion, "completed_at": iso(end)}
                failed = conclusion if conclusion != "success" else ""
        begins += seconds
        found.append(step)
    return found


def _job(fake: FakeGitHub, repo: FakeRepository, run: FakeRun, job: str) -> JSON:
    steps = _steps(fake, run, job)
    status, conclusion = _job_state(fake, run, job)
    ends = [step["completed_at"] for step in steps if step["completed_at"]]
    place = list(run.plan.jobs).index(job)
    return {
        "id": 100 * run.id + place,
        "run_id": run.id,
        "name": job,
        "status": status,
        "conclusion": conclusion,
        "head_sha": run.head,
        "started_at": iso(run.created + timedelta(seconds=run.plan.queued)),
        "completed_at": max(ends) if status == "completed" else None,
        "steps": steps,
        "html_url": f"{_run_url(repo, run)}/job/{100 * run.id + place}",
    }


def _run_url(repo: FakeRepository, run: FakeRun) -> str:
    return f"https://github.com/{repo.name}/actions/runs/{run.id}"


def _updated(fake: FakeGitHub, run: FakeRun) -> datetime:
    ends = [step["completed_at"] for job in run.plan.jobs for step in _steps(fake, run, job) if step["completed_at"]]
    over = _status(fake, run)[0] == "completed"
    return run.cancelled or (datetime.fromisoformat(max(ends)) if over and ends else fake.now)


def _run(fake: FakeGitHub, repo: FakeRepository, run: FakeRun) -> JSON:
    status, conclusion = _status(fake, run)
    return {
        "id": run.id,
        "name": run.workflow,
        "run_number": run.number,
        "run_attempt": 1,
        "event": run.event,
        "status": status,
        "conclusion": conclusion,
        "head_branch": run.branch,
        "head_sha": run.head,
        "actor": _user(run.actor),
        "triggering_actor": _user(run.actor),
        "created_at": iso(run.created),
        "updated_at": iso(_updated(fake, run)),
        "html_url": _run_url(repo, run),
    }


ROUTES: tuple[tuple[str, str, Action], ...] = (
    ("GET", "/user", get_user),
    ("GET", _REPO, get_repository),
    ("GET", _REPO + "/pulls", list_pulls),
    ("POST", _REPO + "/pulls", create_pull),
    ("GET", _REPO + r"/pulls/(\d+)", get_pull),
    ("PATCH", _REPO + r"/pulls/(\d+)", update_pull),
    ("GET", _REPO + "/issues", list_issues),
    ("POST", _REPO + "/issues", create_issue),
    ("PATCH", _REPO + r"/issues/(\d+)", update_issue),
    ("POST", _REPO + r"/issues/(\d+)/comments", create_comment),
    ("GET", _REPO + "/actions/workflows", list_workflows),
    ("GET", _WORKFLOW, get_workflow),
    ("POST", _WORKFLOW + "/dispatches", dispatch),
    ("GET", _WORKFLOW + "/runs", list_runs),
    ("GET", _REPO + "/actions/runs", list_runs),
    ("GET", _RUN, get_run),
    ("GET", _RUN + "/jobs", list_jobs),
    ("GET", _RUN + "/artifacts", list_artifacts),
)


def _handler(fake: FakeGitHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version = "GitHub.com"
        sys_version = ""

        def _serve(self) -> None:
            url = urlsplit(self.path)
            length = int(self.headers.get("Content-Length", "0"))
            data = self.rfile.read(length)
            query = {name: values[-1] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            path = url.path.removeprefix("/api/v3")
            body = json.loads(data) if data else None
            answer = fake.handle(Seen(self.command, path, query, headers, body))
            if answer is None:
                self.close_connection = True
                return
            status, body, more = answer
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
