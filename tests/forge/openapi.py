"""GitHub's own description of its interface, and what it says of a request and of an answer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

Schema = Mapping[str, Any]
_FILE = Path(__file__).with_name("openapi.json")
_ROOT = "urn:github"


class Description:
    """The description in ``openapi.json`` (see `cut_openapi`)."""

    @cached_property
    def whole(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(_FILE.read_text())
        return found

    @cached_property
    def _operations(self) -> list[tuple[re.Pattern[str], str, str]]:
        return [
            (re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), method, path)
            for path, methods in self.whole["paths"].items()
            for method in methods
        ]

    @cached_property
    def _validator(self) -> Any:
        from openapi_schema_validator import OAS30Validator
        from referencing import Registry
        from referencing.jsonschema import DRAFT4

        registry: Any = Registry().with_resource(_ROOT, DRAFT4.create_resource(self.whole))
        return OAS30Validator({}, registry=registry, format_checker=OAS30Validator.FORMAT_CHECKER)

    def prepare(self) -> None:
        """Load everything, so that the first answer does not take longer than a test waits."""
        list(self.of_answer("GET", "/user", 200, self.completed("private-user", {"user_view_type": "private"})))

    def operation(self, method: str, path: str) -> tuple[str, dict[str, Any]] | None:
        """Where the operation of a request stands in the description, and what it is."""
        for pattern, verb, template in self._operations:
            if verb == method.lower() and pattern.fullmatch(path):
                pointer = f"/paths/{template.replace('~', '~0').replace('/', '~1')}/{verb}"
                return pointer, self.whole["paths"][template][verb]
        return None

    def of_request(self, method: str, path: str, query: Mapping[str, str], body: Any) -> Iterator[str]:
        """What is wrong with a request."""
        found = self.operation(method, path)
        if found is None:
            yield "there is no such operation"
            return
        pointer, operation = found
        parameters = {one["name"]: one for one in map(self._resolved, operation.get("parameters", ()))}
        for name, value in query.items():
            if (parameter := parameters.get(name)) is None or parameter["in"] != "query":
                yield f"there is no parameter '{name}'"
            else:
                yield from self._wrong(parameter["schema"], _typed(parameter["schema"], value))
        if "requestBody" in operation:
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            yield from self._wrong({"$ref": f"{pointer}/requestBody/content/application~1json/schema"}, body)
            yield from self._unknown(schema, body, "")
        elif body is not None:
            yield "it takes no body"

    def of_answer(self, method: str, path: str, status: int, body: Any) -> Iterator[str]:
        """What is wrong with an answer; what an error says may be GitHub's ordinary error where none is described."""
        found = self.operation(method, path)
        if found is None:
            return
        pointer, operation = found
        described = operation["responses"].get(str(status))
        if described is None:
            if status < 400:
                yield f"it never answers {status}"
            else:
                yield from self._checked({"$ref": "/components/schemas/basic-error"}, body)
            return
        content = self._resolved(described).get("content", {}).get("application/json")
        if content is None:
            if body is not None and status < 300:
                yield "it answers without a body"
        elif "$ref" in described:
            yield from self._checked(content["schema"], body)
        else:
            yield from self._checked({"$ref": f"{pointer}/responses/{status}/content/application~1json/schema"}, body)

    def completed(self, schema: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """`given` with what else a schema of the description requires: nothing that a test looks at."""
        return self._completed(self.whole["components"]["schemas"][schema], given)

    def _completed(self, schema: Schema, given: Mapping[str, Any]) -> dict[str, Any]:
        schema = self._resolved(schema)
        made = dict(given)
        for name in schema.get("required", ()):
            part = self._resolved(schema["properties"][name])
            if name not in made:
                made[name] = self._anything(part)
            elif isinstance(made[name], dict) and "properties" in part:
                made[name] = self._completed(part, made[name])
        return made

    def _anything(self, schema: Schema) -> Any:
        """The least value that a schema allows."""
        schema = self._resolved(schema)
        if schema.get("nullable"):
            return None
        if choice := schema.get("enum"):
            return choice[0]
        for key in ("anyOf", "oneOf", "allOf"):
            if key in schema:
                return self._anything(schema[key][0])
        simple = {"integer": 1, "number": 1, "boolean": False, "array": []}
        kind = schema.get("type", "object")
        if kind == "string":
            return {"uri": "https://github.com/", "date-time": "2026-01-01T00:00:00Z"}.get(
                schema.get("format", ""), "x"
            )
        return simple[kind] if kind in simple else self._completed(schema, {})

    def _checked(self, schema: Schema, value: Any) -> Iterator[str]:
        yield from self._wrong(schema, value)
        yield from self._unknown(schema, value, "")

    def _wrong(self, schema: Schema, value: Any) -> Iterator[str]:
        within = {"$ref": f"{_ROOT}#{schema['$ref'].removeprefix('#')}"} if "$ref" in schema else schema
        for error in self._validator.evolve(schema=within).iter_errors(value):
            yield f"{'/'.join(map(str, error.absolute_path)) or 'it'}: {error.message[-200:]}"

    def _unknown(self, schema: Schema, value: Any, place: str) -> Iterator[str]:
        """Keys that the description does not know, which a validator lets pass."""
        kinds = list(self._alternatives(schema))
        if isinstance(value, list):
            items: Schema = next((kind["items"] for kind in kinds if "items" in kind), {})
            for one in value:
                yield from self._unknown(items, one, place)
        if not isinstance(value, dict) or not any("properties" in kind for kind in kinds):
            return
        known: dict[str, Any] = {}
        for kind in kinds:
            known |= kind.get("properties", {})
            if kind.get("additionalProperties"):
                return
        for key, one in value.items():
            if key not in known:
                yield f"there is no '{place}{key}'"
            else:
                yield from self._unknown(known[key], one, f"{place}{key}.")

    def _alternatives(self, schema: Schema) -> Iterator[Schema]:
        schema = self._resolved(schema)
        yield schema
        for key in ("anyOf", "oneOf", "allOf"):
            for one in schema.get(key, ()):
                yield from self._alternatives(one)

    def _resolved(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            part: Any = self.whole
            for word in schema["$ref"].removeprefix("#").strip("/").split("/"):
                part = part[word.replace("~1", "/").replace("~0", "~")]
            schema = part
        return schema


def _typed(schema: Schema, value: str) -> Any:
    """A parameter of a url as what it stands for."""
    if schema.get("type") == "integer" and value.isdigit():
        return int(value)
    if schema.get("format") == "date-time":  # in a search it has an operator, says the parameter's text
        return re.sub(r"\A[<>]=?", "", value)
    return {"true": True, "false": False}.get(value, value) if schema.get("type") == "boolean" else value


GITHUB = Description()
