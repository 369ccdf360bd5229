"""How settings reach a run: defaults, then a TOML file, then ``--set``, then options."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar, cast, get_args, get_type_hints

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from tacit.base.errors import UserError, unknown


class Configuration(BaseModel):
    """Settings at the boundary: frozen, nothing unknown accepted, nothing coerced in silence."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


C = TypeVar("C", bound=Configuration)


def gather(
    cls: type[C],
    *,
    base: Mapping[str, Any] | None = None,
    file: Path | None = None,
    sets: Sequence[str] = (),
    given: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
) -> tuple[C, list[str]]:
    """Return the configuration and the dotted names of the values that were passed.

    Later sources win, and ``base`` fills what none of them set. ``given`` holds values by their
    dotted names, as ``sets`` does in writing; ``options`` that are None were not given and leave
    what stands.
    """
    values: dict[str, Any] = _read_toml(file) if file is not None else {}
    for assignment in sets:
        _put(values, *_parse(assignment))
    for name, value in (given or {}).items():
        _put(values, name, deepcopy(value))
    for name, value in (options or {}).items():
        if value is not None:
            _put(values, name, value)
    for name, value in (base or {}).items():
        _fill(values, name, value)
    try:
        return cls(**values), _leaves(values)
    except ValidationError as error:
        raise _explained(cls, error) from error


def checked_setting(kind: type, key: str, value: Any, *, named: str, of: str) -> Any:
    """Return a value as the type that a class of settings gives the field ``key``.

    ``named``: how the user wrote the setting; ``of``: whose setting it is, in words.

    Raises:
        UserError: if there is no such field, or the value is none of its type.
    """
    hints = get_type_hints(kind)
    names = {field.name for field in fields(kind)}
    if key not in names:
        raise unknown(f"setting of {of}", key, names)
    try:
        return TypeAdapter(hints[key]).validate_python(value)
    except ValidationError as error:
        told = ", or ".join(sorted({each["msg"].lower() for each in error.errors()}))
        raise UserError(
            f"setting {named} = {value!r} will not do for {of}: {told}."
        ) from error


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
    if text == "none":  # TOML has no word for it
        return name, None
    try:
        return name, tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return name, text  # a bare word is a string


def _put(values: dict[str, Any], name: str, value: Any) -> None:
    *path, last = name.split(".")
    for key in path:
        inner: Any = values.setdefault(key, {})
        if not isinstance(inner, dict):
            raise UserError(
                f"{name} was set, and {key} as a whole to {inner!r}; give one of the two."
            )
        values = cast(dict[str, Any], inner)
    values[last] = value


def _fill(values: dict[str, Any], name: str, value: Any) -> None:
    """Put a value where neither it nor anything that holds it was set."""
    *path, last = name.split(".")
    for key in path:
        inner: Any = values.setdefault(key, {})
        if not isinstance(inner, dict):
            return
        values = cast(dict[str, Any], inner)
    values.setdefault(last, value)


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
    errors = error.errors()
    place = _place(cls, errors[0]["loc"])
    name = ".".join(place)
    if errors[0]["type"] == "extra_forbidden":
        return unknown("setting", name, _names(cls))
    if errors[0]["type"] == "missing":
        return UserError(
            f"the setting {name} was not given and has no default; give it as an option, with "
            f"--set {name}=VALUE or in the --config file."
        )
    # The members of a union complain one by one.
    said = {each["msg"] for each in errors if _place(cls, each["loc"]) == place}
    words = ", or ".join(sorted(each[:1].lower() + each[1:] for each in said))
    return UserError(f"setting {name} = {errors[0]['input']!r} will not do: {words}.")


def _place(cls: type[BaseModel], where: Sequence[int | str]) -> list[str]:
    """Return the path of a setting, without the kinds of a union that pydantic adds to it."""
    table: type[BaseModel] | None = cls
    parts: list[str] = []
    for part in where:
        parts.append(str(part))
        if table is None:
            break
        field = table.model_fields.get(str(part))
        table = None if field is None else _model_in(field.annotation)
    return parts


def _names(cls: type[BaseModel], path: str = "") -> list[str]:
    """Return the dotted names of all settings."""
    names: list[str] = []
    for key, field in cls.model_fields.items():
        inner = _model_in(field.annotation)
        names += [path + key] if inner is None else _names(inner, f"{path}{key}.")
    return names


def _model_in(annotation: object) -> type[BaseModel] | None:
    """Return the settings that an annotation such as ``FitSettings | None`` speaks of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (_model_in(argument) for argument in get_args(annotation))
    return next((each for each in inner if each is not None), None)
