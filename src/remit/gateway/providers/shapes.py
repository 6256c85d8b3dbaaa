"""JSON that came from outside, taken only in the shape that was expected."""

from typing import Any, cast

from remit.core import InputError


def object_of(value: Any, name: str) -> dict[str, Any]:
    """Returns `value`, or raises an `InputError` that says that `name` is not an object."""
    if not isinstance(value, dict):
        raise InputError(f"{name} is not an object")
    return cast("dict[str, Any]", value)


def objects_of(value: Any, name: str) -> list[dict[str, Any]]:
    """Returns a list of objects, empty when there is none; anything else is an `InputError`."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise InputError(f"{name} are not a list")
    return [object_of(item, f"{name}: number {place}") for place, item in enumerate(cast("list[Any]", value), 1)]


def text_of(value: Any, name: str) -> str:
    """Returns text, "" when there is none; anything else is an `InputError`."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InputError(f"{name} is not text", why=f"it is {type(value).__name__}")
    return value


def byte_count(text: str) -> int:
    """Returns how many bytes `text` has, whatever characters are in it."""
    return len(text.encode("utf-8", "surrogatepass"))
