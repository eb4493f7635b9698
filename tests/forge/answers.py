"""What the fake answers to each request, from what it remembers; shaped as GitHub's own description says.

The texts of refusals are those that GitHub answers (facts: GitHub REST).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import yaml

from tests.forge.fake import JSON, Account, FakeGitHub, FakeRepository, FakeRun, No, Seen
from tests.forge.openapi import GITHUB

Reply = tuple[int, Any, dict[str, str]]
Action = Callable[..., Reply]
_REPO = r"/repos/([^/]+)/([^/]+)"
_WORKFLOW = _REPO + r"/actions/workflows/([^/]+)"
_RUN = _REPO + r"/actions/runs/(\d+)"


def iso(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def _user(login: str) -> JSON:
    return GITHUB.completed("simple-user", {"login": login, "id": 1, "type": "User"})


def get_user(fake: FakeGitHub, request: Seen, account: Account | None) -> Reply:
    if account is None:
        raise No(401, "Requires authentication")
    if account.login.endswith("[bot]"):
        raise No(403, "Resource not accessible by integration")
    return 200, GITHUB.completed("private-user", {**_user(account.login), "user_view_type": "private"}), {}


def get_repository(fake: FakeGitHub, request: Seen, account: Account | None, owner: str, name: str) -> Reply:
    repo = fake.repo(owner, name)
    given = {
        "name": name,
        "full_name": repo.name,
        "owner": _user(owner),
        "default_branch": repo.default_branch,
        "private": repo.private,
        "permissions": {"admin": False, "push": account is not None and account.may_push, "pull": True},
        "has_issues": repo.issues_enabled,
    }
    return 200, GITHUB.completed("full-repository", given), {}


# Pull requests and issues


def list_pulls(fake: FakeGitHub, request: Seen, account: Account | None, owner: str, name: str) -> Reply:
    repo = fake.repo(owner, name)
    state, head = request.query.get("state", "open"), request.query.get("head", "")
    found = [
        _pull(fake, repo, one, "pull-request-simple")
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
        "labels": request.body.get("labels", []) if account.may_push else [],  # else "silently dropped"
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
    given = {"id": fake.id(), "body": request.body["body"], "user": _user(account.login)}
    return 201, GITHUB.completed("issue-comment", given), {}


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


def _pull(fake: FakeGitHub, repo: FakeRepository, one: JSON, schema: str = "pull-request") -> JSON:
    whose, _, branch = one["label"].partition(":")
    source = next((r for r in fake.repositories.values() if r.name.startswith(f"{whose}/")), repo)
    given = {
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
    return GITHUB.completed(schema, given)


def _issue(repo: FakeRepository, one: JSON) -> JSON:
    kind = "pull" if "label" in one else "issues"
    made = {
        "id": one["id"],
        "number": one["number"],
        "state": one["state"],
        "title": one["title"],
        "body": one["body"],
        "labels": [{"name": name} for name in one.get("labels", ())],
        "state_reason": one.get("state_reason"),
        "html_url": f"https://github.com/{repo.name}/{kind}/{one['number']}",
        "user": _user(one["login"]),
    }
    if kind == "pull":
        made["pull_request"] = {"url": None, "diff_url": None, "patch_url": None, "html_url": made["html_url"]}
    return GITHUB.completed("issue", made)


# Workflows and their runs


def _workflow(repo: FakeRepository, name: str) -> JSON:
    """A workflow is known by its file on the default branch; its number is that of the file's name."""
    files = {path.rpartition("/")[2] for path in _workflow_files(repo)}
    file = next((one for one in sorted(files) if name in (one, str(_number(one)))), None)
    text = repo.file(repo.default_branch, f".github/workflows/{file}") if file else None
    if file is None or text is None:
        raise No(404, "Not Found")
    name = yaml.load(text, yaml.BaseLoader).get("name", file)
    given = {"id": _number(file), "name": name, "path": f".github/workflows/{file}", "state": repo.workflow_state}
    return GITHUB.completed("workflow", given)


def _file(workflow: JSON) -> str:
    return str(workflow["path"]).rpartition("/")[2]


def _number(file: str) -> int:
    return int.from_bytes(file.encode()[:6]) % 1_000_000


def _workflow_files(repo: FakeRepository) -> list[str]:
    return repo.folder(repo.default_branch, ".github/workflows")


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
            if one.workflow == _file(workflow) and _status(fake, one)[0] != "completed":
                one.cancelled = fake.now
    fake.before_dispatch()
    run = repo.begin(_file(workflow), branch, account.login, fake, inputs)
    fake.after_dispatch()
    if not asked.get("return_run_details"):
        return 204, None, {}
    urls = {"run_url": f"{request.base}/repos/{repo.name}/actions/runs/{run.id}", "html_url": _run_url(repo, run)}
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
        if name in given and one.get("type") == "choice" and value not in one["options"]:
            raise No(422, f"Provided value '{value}' for input '{name}' not in the list of allowed values")
        found[name] = value
    return found


def list_runs(fake: FakeGitHub, request: Seen, account: Account | None, owner: str, name: str, file: str = "") -> Reply:
    """As "List workflow runs for a workflow", with its filters."""
    repo = fake.repo(owner, name)
    workflow = _file(_workflow(repo, file)) if file else ""
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
    part, headers = fake.page(request, [_run(fake, request, repo, one) for one in found])
    return 200, {"total_count": len(found), "workflow_runs": part}, headers


def _find_run(fake: FakeGitHub, owner: str, name: str, number: str) -> tuple[FakeRepository, FakeRun]:
    repo = fake.repo(owner, name)
    run = next((one for one in repo.runs if one.id == int(number) and not one.hidden), None)
    if run is None:
        raise No(404, "Not Found")
    return repo, run


def get_run(fake: FakeGitHub, request: Seen, account: Account | None, owner: str, name: str, number: str) -> Reply:
    return 200, _run(fake, request, *_find_run(fake, owner, name, number)), {}


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
        GITHUB.completed("artifact", {"id": 1 + place, "name": name, "size_in_bytes": 1000, "expired": False})
        for place, name in enumerate(names)
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
    given = {
        "id": 100 * run.id + place,
        "run_id": run.id,
        "name": job,
        "status": status,
        "conclusion": conclusion,
        "head_sha": run.head,
        "started_at": iso(run.created + timedelta(seconds=run.plan.queued if status != "queued" else 0)),
        "completed_at": max(ends) if status == "completed" else None,
        "steps": steps,
        "html_url": f"{_run_url(repo, run)}/job/{100 * run.id + place}",
    }
    return GITHUB.completed("job", given)


def _run_url(repo: FakeRepository, run: FakeRun) -> str:
    return f"https://github.com/{repo.name}/actions/runs/{run.id}"


def _updated(fake: FakeGitHub, run: FakeRun) -> datetime:
    ends = [step["completed_at"] for job in run.plan.jobs for step in _steps(fake, run, job) if step["completed_at"]]
    over = _status(fake, run)[0] == "completed"
    return run.cancelled or (datetime.fromisoformat(max(ends)) if over and ends else fake.now)


def _run(fake: FakeGitHub, request: Seen, repo: FakeRepository, run: FakeRun) -> JSON:
    status, conclusion = _status(fake, run)
    given = {
        "id": run.id,
        "name": _workflow(repo, run.workflow)["name"],
        "display_title": _workflow(repo, run.workflow)["name"],
        "workflow_id": _number(run.workflow),
        "path": f".github/workflows/{run.workflow}@{run.branch}",
        "jobs_url": f"{request.base}/repos/{repo.name}/actions/runs/{run.id}/jobs",
        "run_number": run.number,
        "run_attempt": 1,
        "run_started_at": iso(run.created),
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
    return GITHUB.completed("workflow-run", given)


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
