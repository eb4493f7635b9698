"""What Debian 12's ``gh pr create`` (gh 2.23) asks in GraphQL, answered from what the fake remembers.

It asks for three things and no more; GitHub's description of its REST interface does not cover them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from tests.forge.answers import Reply, create_pull
from tests.forge.fake import JSON, Account, FakeGitHub, No, Seen


def graphql(fake: FakeGitHub, request: Seen, account: Account | None) -> Reply:
    """The answer to one operation, known by its name; a refusal comes with status 200, as GraphQL has it."""
    if account is None:
        raise No(401, "This endpoint requires you to be authenticated.")
    name = re.findall(r"(?:query|mutation)\s+(\w+)", request.body["query"])[0]
    try:
        data = OPERATIONS[name](fake, request, account, request.body["variables"])
    except No as no:
        texts = [error["message"] for error in no.body.get("errors", ()) if "message" in error]
        errors = [{"type": "UNPROCESSABLE", "message": text} for text in texts or [no.body["message"]]]
        return 200, {"data": None, "errors": errors}, {}
    return 200, {"data": data}, {}


def _repository_info(fake: FakeGitHub, request: Seen, account: Account, given: Mapping[str, str]) -> JSON:
    repo = fake.repo(given["owner"], given["name"])
    info = {
        "id": f"R_{repo.name}",
        "name": given["name"],
        "owner": {"login": given["owner"]},
        "viewerPermission": "WRITE" if account.may_push else "READ",
        "defaultBranchRef": {"name": repo.default_branch},
        "parent": None,
    }
    return {"repository": info}


def _pull_requests_for_branch(fake: FakeGitHub, request: Seen, account: Account, given: JSON) -> JSON:
    repo = fake.repo(given["owner"], given["repo"])
    nodes = []
    for one in reversed(repo.pulls):
        whose, _, branch = one["label"].partition(":")
        if branch == given["headRefName"] and one["state"].upper() in given["states"]:
            url = f"https://github.com/{repo.name}/pull/{one['number']}"
            node = {"id": f"PR_{one['id']}", "number": one["number"], "state": one["state"].upper(), "url": url}
            node |= {"baseRefName": one["base"], "headRefName": branch, "headRepositoryOwner": {"login": whose}}
            nodes.append({**node, "isCrossRepository": whose != given["owner"]})
    return {"repository": {"pullRequests": {"nodes": nodes}, "defaultBranchRef": {"name": repo.default_branch}}}


def _pull_request_create(fake: FakeGitHub, request: Seen, account: Account, given: JSON) -> JSON:
    asked = given["input"]
    body = {
        "head": asked["headRefName"],
        "base": asked["baseRefName"],
        **{k: asked[k] for k in ("title", "body", "draft")},
    }
    owner, _, name = asked["repositoryId"].removeprefix("R_").partition("/")
    _, made, _ = create_pull(fake, replace(request, body=body), account, owner, name)
    return {"createPullRequest": {"pullRequest": {"id": f"PR_{made['id']}", "url": made["html_url"]}}}


OPERATIONS: Mapping[str, Callable[[FakeGitHub, Seen, Account, JSON], JSON]] = {
    "RepositoryInfo": _repository_info,
    "PullRequestForBranch": _pull_requests_for_branch,
    "PullRequestCreate": _pull_request_create,
}
