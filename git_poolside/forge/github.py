"""What is asked of GitHub, in its own words (docs.github.com/rest): pull requests, issues, workflows and their runs.

Each method raises `ApiFailed` where GitHub says no, `Unanswered` where it is not known whether it was done, and
`FarSideFailed` for the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote

from git_poolside.errors import FarSideFailed, Refused
from git_poolside.forge.failures import ApiFailed
from git_poolside.forge.http import Client
from git_poolside.stack.names import REPOSITORY
from git_poolside.stack.values import frozen

T = TypeVar("T")


@frozen
class Info:
    """A repository: `full_name` is its name of today, `scopes` what a classic token may do, None for other tokens."""

    full_name: str
    default_branch: str
    may_push: bool
    private: bool
    scopes: frozenset[str] | None


@frozen
class Pull:
    """A pull request; `state` is open or closed, `head` is ``owner:branch``, `tip` the commit proposed."""

    number: int
    state: str
    merged: bool
    draft: bool
    title: str
    body: str
    url: str
    head: str
    tip: str
    base: str


@frozen
class Issue:
    """An issue; `state` is open or closed."""

    number: int
    state: str
    title: str
    body: str
    url: str
    labels: tuple[str, ...] = ()


@frozen
class Workflow:
    """A workflow as GitHub knows it; `state` is active, or why it does not run."""

    id: int
    name: str
    path: str
    state: str


@frozen
class Run:
    """One run of a workflow; `status` ends as ``completed``, then `conclusion` is success or why not."""

    id: int
    number: int
    status: str
    conclusion: str | None
    event: str
    branch: str
    head: str
    actor: str
    created: datetime
    updated: datetime
    url: str

    @property
    def is_over(self) -> bool:
        return self.status == "completed"


@frozen
class Step:
    """One step of a job; times are the server's."""

    name: str
    status: str
    conclusion: str | None
    started: datetime | None
    completed: datetime | None


@frozen
class Job:
    """One job of a run; times are the server's."""

    id: int
    name: str
    status: str
    conclusion: str | None
    started: datetime | None
    completed: datetime | None
    steps: tuple[Step, ...]
    url: str


@frozen
class Artifact:
    """A file that a run keeps; `size` in bytes."""

    name: str
    size: int


class Repository:
    """One repository, ``owner/name``. Raises `Refused` for a name that cannot be one."""

    def __init__(self, client: Client, name: str) -> None:
        if REPOSITORY.fullmatch(name) is None:
            raise Refused(
                f"'{name}' is no repository on GitHub", hints=["[github] in .poolside.toml names both as owner/name"]
            )
        self.client = client
        self.name = name
        self._base = f"/repos/{name}"

    def info(self) -> Info:
        answer = self.client.get(self._base, f"show {self.name}")
        scopes = answer.headers.get("x-oauth-scopes")
        with_scopes = None if scopes is None else frozenset(filter(None, map(str.strip, scopes.split(","))))
        return self._read(
            lambda raw: Info(
                _text(raw["full_name"]),
                _text(raw["default_branch"]),
                bool((raw.get("permissions") or {}).get("push")),
                bool(raw["private"]),
                with_scopes,
            ),
            answer.data,
        )

    def login(self) -> str | None:
        """The name of the token's account; None for a token that has none, as that of Actions."""
        try:
            return self._read(lambda raw: _text(raw["login"]), self.client.get("/user", "name the account").data)
        except ApiFailed as error:
            if error.status == 403:
                return None
            raise

    # Pull requests

    def pull(self, number: int) -> Pull:
        return self._read(_pull, self.client.get(f"{self._base}/pulls/{number}", f"show pull request {number}").data)

    def pulls(self, head: str) -> list[Pull]:
        """Those whose head is `head`, ``owner:branch``, open or not, the newest first."""
        doing = f"list the pull requests of {head}"
        found = self.client.pages(f"{self._base}/pulls", doing, head=head, state="all")
        return [self._read(_pull, raw) for raw in found]

    def open_pulls(self) -> Iterator[Pull]:
        """The open ones, the newest first."""
        for raw in self.client.pages(f"{self._base}/pulls", "list the open pull requests", state="open"):
            yield self._read(_pull, raw)

    def create_pull(self, *, head: str, base: str, title: str, body: str, draft: bool = False) -> Pull:
        """Open one. An open one of the same head and base makes GitHub answer 422 "already exists"."""
        asked = {"head": head, "base": base, "title": title, "body": body, "draft": draft}
        return self._read(_pull, self.client.post(f"{self._base}/pulls", "open a pull request", asked).data)

    def update_pull(self, number: int, **changes: str) -> Pull:
        """Set `title`, `body`, `state` or `base`."""
        path = f"{self._base}/pulls/{number}"
        return self._read(_pull, self.client.patch(path, f"update pull request {number}", changes).data)

    # Issues

    def issues(self, *, state: str = "open", labels: str = "") -> Iterator[Issue]:
        """Issues, the newest first, without pull requests, which GitHub lists among them."""
        asked = {"state": state, **({"labels": labels} if labels else {})}
        for raw in self.client.pages(f"{self._base}/issues", "list the issues", **asked):
            if not self._read(lambda one: "pull_request" in one, raw):
                yield self._read(_issue, raw)

    def create_issue(self, *, title: str, body: str, labels: tuple[str, ...] = ()) -> Issue:
        asked = {"title": title, "body": body, "labels": list(labels)}
        return self._read(_issue, self.client.post(f"{self._base}/issues", "open an issue", asked).data)

    def update_issue(self, number: int, **changes: str) -> Issue:
        """Set `title`, `body`, `state` (``closed`` closes it) or `state_reason`."""
        path = f"{self._base}/issues/{number}"
        return self._read(_issue, self.client.patch(path, f"update issue {number}", changes).data)

    def comment(self, number: int, body: str) -> None:
        """Add a comment to an issue or a pull request."""
        self.client.post(f"{self._base}/issues/{number}/comments", f"comment on #{number}", {"body": body})

    # Workflows

    def workflow(self, file: str) -> Workflow:
        """The workflow of that file's name; 404 where the default branch does not have it."""
        answer = self.client.get(f"{self._base}/actions/workflows/{quote(file, safe='')}", f"show the workflow {file}")
        return self._read(
            lambda raw: Workflow(int(raw["id"]), _text(raw["name"]), _text(raw["path"]), _text(raw["state"])),
            answer.data,
        )

    def dispatch(self, file: str, ref: str, inputs: Mapping[str, str]) -> int | None:
        """Run a workflow on the branch `ref`; the run's id, None from a server that does not tell it.

        Sent once, and once more without ``return_run_details`` to a server that refuses that word (Enterprise
        Server to 3.19), which did nothing the first time.
        """
        path = f"{self._base}/actions/workflows/{quote(file, safe='')}/dispatches"
        doing = f"run {file}"
        asked = {"ref": ref, "inputs": dict(inputs)}
        try:
            answer = self.client.post(path, doing, {**asked, "return_run_details": True})
        except ApiFailed as error:
            if error.status not in (400, 422) or not error.names("return_run_details"):
                raise
            answer = self.client.post(path, doing, asked)
        number = answer.data.get("workflow_run_id") if isinstance(answer.data, dict) else None
        return number if isinstance(number, int) else None

    def runs(self, file: str, **filters: str) -> Iterator[Run]:
        """Runs of a workflow, the newest first; `filters` are GitHub's: event, branch, head_sha, actor, created."""
        path = f"{self._base}/actions/workflows/{quote(file, safe='')}/runs"
        for raw in self.client.pages(path, f"list the runs of {file}", "workflow_runs", **filters):
            yield self._read(_run, raw)

    def run(self, number: int) -> tuple[Run, datetime]:
        """One run, and the server's time."""
        answer = self.client.get(f"{self._base}/actions/runs/{number}", f"show the run {number}")
        return self._read(_run, answer.data), answer.date

    def jobs(self, number: int) -> list[Job]:
        """The jobs of a run's newest attempt."""
        path = f"{self._base}/actions/runs/{number}/jobs"
        found = self.client.pages(path, f"list the jobs of run {number}", "jobs", filter="latest")
        return [self._read(_job, raw) for raw in found]

    def artifacts(self, number: int) -> list[Artifact]:
        path = f"{self._base}/actions/runs/{number}/artifacts"
        found = self.client.pages(path, f"list the artifacts of run {number}", "artifacts")
        return [self._read(lambda raw: Artifact(_text(raw["name"]), int(raw["size_in_bytes"])), raw) for raw in found]

    def server_time(self) -> datetime:
        """The server's clock, now."""
        return self.client.get(self._base, f"show {self.name}").date

    def _read(self, make: Callable[[Any], T], raw: Any) -> T:
        """What `make` reads from a decoded answer. Raises `FarSideFailed` where that is not shaped as GitHub's."""
        try:
            return make(raw)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise FarSideFailed(
                f"{self.client.forge.host} gave an answer that is not GitHub's ({type(error).__name__}: {error})",
                hints=["is GITHUB_API_URL right? is a proxy or a login page in between?"],
            ) from error


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} where a text should be")
    return value


def _time(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


def _pull(raw: Any) -> Pull:
    head = raw["head"]
    return Pull(
        int(raw["number"]),
        _text(raw["state"]),
        raw.get("merged_at") is not None,
        bool(raw.get("draft")),
        _text(raw["title"]),
        raw.get("body") or "",
        _text(raw["html_url"]),
        _text(head["label"]),
        _text(head["sha"]),
        _text(raw["base"]["ref"]),
    )


def _issue(raw: Any) -> Issue:
    labels = (one if isinstance(one, str) else one.get("name") for one in raw["labels"])
    return Issue(
        int(raw["number"]),
        _text(raw["state"]),
        _text(raw["title"]),
        raw.get("body") or "",
        _text(raw["html_url"]),
        tuple(name for name in labels if name),
    )


def _run(raw: Any) -> Run:
    return Run(
        int(raw["id"]),
        int(raw["run_number"]),
        _text(raw["status"]),
        raw.get("conclusion"),
        _text(raw["event"]),
        raw.get("head_branch") or "",
        _text(raw["head_sha"]),
        (raw.get("triggering_actor") or raw.get("actor") or {}).get("login", ""),
        datetime.fromisoformat(raw["created_at"]),
        datetime.fromisoformat(raw["updated_at"]),
        _text(raw["html_url"]),
    )


def _job(raw: Any) -> Job:
    steps = tuple(
        Step(
            _text(step["name"]),
            _text(step["status"]),
            step.get("conclusion"),
            _time(step.get("started_at")),
            _time(step.get("completed_at")),
        )
        for step in raw.get("steps") or ()
    )
    return Job(
        int(raw["id"]),
        _text(raw["name"]),
        _text(raw["status"]),
        raw.get("conclusion"),
        _time(raw.get("started_at")),
        _time(raw.get("completed_at")),
        steps,
        raw.get("html_url") or "",
    )
