"""The fake is held to GitHub's own description: it finds what is wrong, and covers what the fake does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.forge.answers import ROUTES
from tests.forge.fake import FakeGitHub
from tests.forge.openapi import GITHUB

REPO = "/repos/poolsideai/pytorch"
DISPATCH = f"{REPO}/actions/workflows/build.yaml/dispatches"

REQUESTS: dict[str, tuple[str, str, dict[str, str], Any, list[str]]] = {
    "right": ("GET", f"{REPO}/pulls", {"head": "o:b", "state": "all", "per_page": "100"}, None, []),
    "a dispatch": ("POST", DISPATCH, {}, {"ref": "b", "inputs": {}, "return_run_details": True}, []),
    "no operation": ("GET", f"{REPO}/pull", {}, None, ["there is no such operation"]),
    "no parameter": ("GET", f"{REPO}/pulls", {"user": "pat"}, None, ["there is no parameter 'user'"]),
    "no state": (
        "GET", f"{REPO}/pulls", {"state": "merged"}, None, ["it: 'merged' is not one of ['open', 'closed', 'all']"],
    ),
    "no ref": ("POST", DISPATCH, {}, {"inputs": {}}, ["it: 'ref' is a required property"]),
    "no key": ("POST", DISPATCH, {}, {"ref": "b", "branch": "b"}, ["there is no 'branch'"]),
    "a wrong type": ("POST", f"{REPO}/issues", {}, {"title": "x", "body": 1}, ["body: 1 is not of type 'string'"]),
}  # fmt: skip


@pytest.mark.parametrize("name", REQUESTS)
def test_what_is_wrong_with_a_request(name: str) -> None:
    method, path, query, body, wrong = REQUESTS[name]
    assert list(GITHUB.of_request(method, path, query, body)) == wrong


def answer(**changes: Any) -> dict[str, Any]:
    return {**GITHUB.completed("workflow", {"state": "active"}), **changes}


ANSWERS: dict[str, tuple[int, Any, list[str]]] = {
    "right": (200, answer(), []),
    "a wrong type": (200, answer(id="7"), ["id: '7' is not of type 'integer'"]),
    "no choice": (200, answer(state="on"), ["state: 'on' is not one of ['active', 'deleted', 'disabled_fork', "
                                            "'disabled_inactivity', 'disabled_manually']"]),
    "no key": (200, answer(file="x"), ["there is no 'file'"]),
    "not there": (200, {k: v for k, v in answer().items() if k != "id"}, ["it: 'id' is a required property"]),
    "no status": (201, answer(), ["it never answers 201"]),
    "an error": (403, {"message": "no"}, []),
    "no error": (403, {"text": "no"}, ["there is no 'text'"]),
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
def test_what_is_wrong_with_an_answer(name: str) -> None:
    status, body, wrong = ANSWERS[name]
    assert list(GITHUB.of_answer("GET", f"{REPO}/actions/workflows/7", status, body)) == wrong


def test_the_description_covers_what_the_fake_answers() -> None:
    samples = {r"([^/]+)": "x", r"(\d+)": "7"}

    def sample(pattern: str) -> str:
        for part, value in samples.items():
            pattern = pattern.replace(part, value)
        return pattern

    assert [p for method, p, _ in ROUTES if GITHUB.operation(method, sample(p)) is None] == []


def test_what_is_wrong_fails_the_test_that_it_came_in(github: FakeGitHub) -> None:
    import requests

    requests.get(f"{github.url}/user?colour=red", headers={"Authorization": f"token {github.token}"}, timeout=10)
    assert github.wrong == ["request GET /user: there is no parameter 'colour'"]
    github.wrong.clear()


def test_the_file_names_its_version_and_licence() -> None:
    info: Mapping[str, str] = GITHUB.whole["info"]
    assert info["version"] == "23.0.2"
    assert info["x-licence"].startswith("MIT License Copyright (c) 2020 Octokit contributors")
