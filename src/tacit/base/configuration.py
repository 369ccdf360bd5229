"""How settings reach a run: defaults, then a TOML file, then ``--set``, then options."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ConfigDict, ValidationError

from tacit.base.errors import UserError, unknown


class Configuration(BaseModel):
    """Settings at the boundary: frozen, nothing unknown accepted, nothing coerced in silence."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


C = TypeVar("C", bound=Configuration)


def gather(
    cls: type[C],
    *,
    file: Path | None = None,
    sets: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
) -> tuple[C, list[str]]:
    """Return the configuration and the dotted names of the values that were passed.

    ``options`` that are None were not given and leave what stands.
    """
    values: dict[str, Any] = _read_toml(file) if file is not None else {}
    for assignment in sets:
        _put(values, *_parse(assignment))
    for name, value in (options or {}).items():
        if value is not None:
            _put(values, name, value)
    try:
        return cls(**values), _leaves(values)
    except ValidationError as error:
        raise _explained(cls, error) from error


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except OSError as error:
        raise UserError(
            f"the configuration {path} cannot be read: {error.strerror}."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"the configuration {path} is not TOML: {error}.") from error


def _parse(assignment: str) -> tuple[str, Any]:
    name, equals, text = assignment.partition("=")
    if not equals or not name:
        raise UserError(f"--set takes key.path=value; {assignment!r} is not of that form.")
    try:
        return name, tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return name, text  # a bare word is a string


def _put(values: dict[str, Any], name: str, value: Any) -> None:
    *path, last = name.split(".")
    for key in path:
        values = values.setdefault(key, {})
    values[last] = value


def _leaves(values: Mapping[str, Any], path: str = "") -> list[str]:
    names: list[str] = []
    for key, value in values.items():
        name = f"{path}.{key}".lstrip(".")
        if isinstance(value, Mapping):
            names += _leaves(cast(Mapping[str, Any], value), name)
        else:
            names.append(name)
    return names


def _explained(cls: type[BaseModel], error: ValidationError) -> UserError:
    first = error.errors()[0]
    where = [str(part) for part in first["loc"]]
    if first["type"] == "extra_forbidden":
        table: Any = cls
        for part in where[:-1]:
            table = table.model_fields[part].annotation
        return unknown("setting", where[-1], table.model_fields)
    return UserError(
        f"setting {'.'.join(where)} = {first['input']!r} will not do: {first['msg'].lower()}."
    )
