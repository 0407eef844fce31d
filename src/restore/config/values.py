"""One value beside its annotation: pydantic compares them, and what does not fit is answered by one sentence."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from restore.degradations.strength import Bounds, Strength
from restore.errors import RequestError, unknown_name

# the value as it stands, nothing read into it: "25" is no number and 1 is no switch
STRICT = ConfigDict(strict=True, allow_inf_nan=False, arbitrary_types_allowed=True)
BOUNDS = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "above"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "below"),
}
PLURAL = {int: "whole numbers", float: "numbers", str: "names", bool: "switches"}
LONGEST = 100  # characters of a value in a sentence


def check_value(key: str, value: Any, hint: Any) -> None:
    """Refuse a value that its annotation does not allow.

    Args:
        key: as a person writes it, ``trainer.max_steps``.
        value: plain: numbers, text, lists and mappings of them, or None.
        hint: such as ``Annotated[int, Ge(1)] | None``; one that pydantic cannot read allows anything.

    Raises:
        RequestError: one sentence with the key, what it may be and what it is.
    """
    check_text(key, value)
    for bounds in _metadata(hint):
        if isinstance(bounds, Bounds):
            _check_strength(key, value, bounds)
            return
    if adapter := _adapter(hint):
        try:  # as JSON, where a list may stand for a tuple
            adapter.validate_json(json.dumps(value, default=str), strict=True)
        except ValidationError as error:
            raise _refusal(key, value, hint, error) from error


def check_text(key: str, value: Any) -> None:
    """Refuse text that no file name and no record can hold, at any depth.

    Raises:
        RequestError: it has a null character, or bytes that are not UTF-8.
    """
    if isinstance(value, Mapping):
        for name, part in value.items():
            check_text(key, name)
            check_text(key, part)
    elif isinstance(value, list | tuple):
        for part in value:
            check_text(key, part)
    elif isinstance(value, str):
        if "\0" in value:
            raise RequestError(f"{key} has a null character in it: {shown(value)}")
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise RequestError(f"{key} is not UTF-8: {value!a}") from error


def shown(value: Any) -> str:
    """A value as it stands in a sentence: as Python writes it, null for None, and cut where it is long."""
    text = "null" if value is None else repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _check_strength(key: str, value: Any, bounds: Bounds) -> None:
    try:
        Strength(value, key, *bounds)
    except ValueError as error:
        raise RequestError(str(error)) from error


@lru_cache(maxsize=512)
def _adapter(hint: Any) -> TypeAdapter | None:
    if hint is Any:
        return None
    try:
        return TypeAdapter(hint, config=STRICT)
    except (PydanticUserError, NameError, TypeError):
        return None


# -- sentences -------------------------------------------------------------------------------------


def _refusal(key: str, value: Any, hint: Any, error: ValidationError) -> RequestError:
    details = error.errors(include_url=False)
    for detail in details:
        kind, context = detail["type"], detail.get("ctx", {})
        if kind in BOUNDS:
            bound, phrase = BOUNDS[kind]
            return RequestError(f"{key} must be {phrase} {_number(context[bound])}, and it is {shown(detail['input'])}")
        if kind == "value_error":
            return RequestError(f"{key} {context['error']}")
        if kind == "finite_number":
            return RequestError(f"{key} is a finite number, and it is {shown(detail['input'])}")
        if kind in ("string_too_short", "too_short") and detail["input"] in ("", []):
            return RequestError(f"{key} is empty, and it is {describe(hint)}")
    names = [] if _said(hint) else [str(name) or "''" for name in _names(hint)]
    wrong = [detail["input"] for detail in details if detail["type"] == "literal_error"]
    if names and wrong and isinstance(wrong[0], str | int | float):
        name = str(wrong[0]).lower() if isinstance(wrong[0], bool) else str(wrong[0])
        return unknown_name(key, name, names)
    return RequestError(f"{key} is {describe(hint)}, and it is {shown(value)}")


def _number(bound: float) -> str:
    return str(bound) if isinstance(bound, int) else f"{bound:g}"


def describe(hint: Any) -> str:
    """What an annotation allows, in words.

    Example:
        >>> describe(int | None), describe(Sequence[float]), describe(Literal["all", "none"])
        ('a whole number or null', 'a list of numbers', 'all or none')
    """
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _said(hint) or describe(parts[0])
    if origin in (Union, UnionType):
        parts = sorted(parts, key=lambda part: part is NoneType)
        return " or ".join(dict.fromkeys(map(describe, parts)))
    if origin is Literal:
        return " or ".join("''" if name == "" else str(name) for name in parts)
    if hint in (None, NoneType):
        return "null"
    simple = {int: "a whole number", float: "a number", bool: "true or false", str: "one name or path"}
    if hint in simple:
        return simple[hint]
    kind = origin or hint
    if isinstance(kind, type) and issubclass(kind, Mapping | dict):
        return "a mapping"
    if isinstance(kind, type) and issubclass(kind, Sequence):
        inner = next(iter(parts), None)
        while get_origin(inner) is Annotated:
            inner = get_args(inner)[0]
        count = f" {len(parts)}" if kind is tuple and parts and Ellipsis not in parts else ""
        return f"a list of{count} {PLURAL.get(inner, 'values')}" if inner else "a list"
    return f"a {getattr(kind, '__name__', kind)}"


class Said:
    """In an annotation, what a value is called in a sentence: ``a name or a list of names``."""

    def __init__(self, said: str):
        self.said = said


def _said(hint: Any) -> str:
    return next((each.said for each in _metadata(hint) if isinstance(each, Said)), "")


def _metadata(hint: Any) -> tuple[Any, ...]:
    return hint.__metadata__ if get_origin(hint) is Annotated else ()


def _names(hint: Any) -> Iterator[Any]:
    """The members of all Literals of an annotation."""
    if get_origin(hint) is Literal:
        yield from get_args(hint)
    else:
        for part in get_args(hint):
            yield from _names(part)
