"""Make ``openapi.json``: GitHub's own description of its interface, cut down to what the fake answers.

    npm pack @octokit/openapi && tar xzf octokit-openapi-*.tgz
    python -m tests.forge.cut_openapi package

Kept are the operations of `PATHS` with the schemas that they need; left out is what does not decide whether a request
or an answer is right (descriptions, examples, GitHub's own ``x-`` keys). The result names the version that it was cut
from and holds the licence, MIT.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TARGET = Path(__file__).with_name("openapi.json")
_REPO = "/repos/{owner}/{repo}"
_WORKFLOW = _REPO + "/actions/workflows/{workflow_id}"
_RUN = _REPO + "/actions/runs/{run_id}"
PATHS = {
    "/user": ("get",),
    _REPO: ("get",),
    _REPO + "/pulls": ("get", "post"),
    _REPO + "/pulls/{pull_number}": ("get", "patch"),
    _REPO + "/issues": ("get", "post"),
    _REPO + "/issues/{issue_number}": ("get", "patch"),
    _REPO + "/issues/{issue_number}/comments": ("post",),
    _REPO + "/actions/workflows": ("get",),
    _WORKFLOW: ("get",),
    _WORKFLOW + "/dispatches": ("post",),
    _WORKFLOW + "/runs": ("get",),
    _REPO + "/actions/runs": ("get",),
    _RUN: ("get",),
    _RUN + "/jobs": ("get",),
    _RUN + "/artifacts": ("get",),
}
_DECIDES_NOTHING = {
    "description", "summary", "example", "examples", "externalDocs", "tags", "operationId", "title", "default",
    "deprecated", "security", "callbacks",
}  # fmt: skip


def cut(whole: dict[str, Any]) -> dict[str, Any]:
    """The description of `PATHS` alone."""
    paths = {
        path: {method: _bare(whole["paths"][path][method]) for method in methods} for path, methods in PATHS.items()
    }
    components: dict[str, dict[str, Any]] = {}
    waiting = list(_references(paths))
    while waiting:
        kind, name = waiting.pop().removeprefix("#/components/").split("/")
        if name not in components.setdefault(kind, {}):
            components[kind][name] = _bare(whole["components"][kind][name])
            waiting += _references(components[kind][name])
    kept = {kind: dict(sorted(found.items())) for kind, found in sorted(components.items())}
    return {"openapi": whole["openapi"], "info": whole["info"], "paths": paths, "components": kept}


def _bare(value: Any, names: bool = False) -> Any:
    """A part of the description without what decides nothing; below `names` stand the names of properties."""
    if isinstance(value, list):
        return [_bare(one) for one in value]
    if not isinstance(value, dict):
        return value
    made = {
        key: _bare(one, names=key in ("properties", "headers", "content", "responses"))
        for key, one in value.items()
        if names or not (key in _DECIDES_NOTHING or key.startswith("x-"))
    }
    if not names and made.get("nullable") is True and None not in made.get("enum", [None]):
        made["enum"].append(None)  # OpenAPI 3.0.3 wants it among the choices, GitHub's description means it so
    return made


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for one in value.values():
            yield from _references(one)
    elif isinstance(value, list):
        for one in value:
            yield from _references(one)


def main(package: Path) -> None:
    """Write `TARGET` from an unpacked package."""
    about = json.loads((package / "package.json").read_text())
    made = cut(json.loads((package / "generated/api.github.com.json").read_text()))
    licence = (package / "LICENSE").read_text().strip()
    made["info"] = {"title": "GitHub's REST interface, cut down", "version": about["version"], "x-licence": licence}
    TARGET.write_text(json.dumps(made, indent=None, separators=(",", ":"), sort_keys=True).replace("},", "},\n") + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
