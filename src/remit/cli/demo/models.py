"""A real model in place of a demo's simulated one: `--model openai:NAME` or `anthropic:NAME`, with `--base-url`."""

import asyncio
import os
import re
from decimal import Decimal
from pathlib import Path

from remit.contracts import is_loopback
from remit.core import InputError, ModelRoute, Settings, load_settings
from remit.gateway.providers import build_provider, worst_case

KEYS = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY"}
OPENAI = "https://api.openai.com/v1"
ROUTE = "live"
# A table of remit.toml from its heading to the next one.
_MODELS = re.compile(r"^\[models[.\]].*?(?=^\[|\Z)", re.MULTILINE | re.DOTALL)


def chosen_route(model: str, base_url: str) -> ModelRoute | None:
    """Returns the route that was asked for, None for the fleet's own; a key that is missing is an `InputError` here.

    At an address of one's own a key is sent if there is one; the makers' own addresses need theirs.
    """
    if not model:
        if base_url:
            raise InputError("An address without a model", which=base_url, hint="Say which with --model openai:NAME")
        return None
    kind, _, name = model.partition(":")
    if kind not in KEYS or not name:
        raise InputError("No such model", which=model, hint="Write openai:NAME or anthropic:NAME")
    key = KEYS[kind]
    if not os.environ.get(key, "").strip():
        if not base_url:
            hint = "Set it, or name an endpoint that needs no key with --base-url"
            raise InputError("The model needs a key", which=model, why=f"The variable {key} is not set", hint=hint)
        key = ""
    address = base_url or (OPENAI if kind == "openai" else "")
    return ModelRoute.model_validate({"kind": kind, "model": name, "base_url": address, "key": key})


def put_route(folder: Path, route: ModelRoute) -> ModelRoute:
    """Writes `route` into the copied fleet's remit.toml in place of its models; returns it as it will be asked.

    What it lacks is an `InputError`. What is asked on this machine and has no known price counts as free of charge.
    """
    path, kept = folder / "remit.toml", (folder / "remit.toml").read_text(encoding="utf-8")
    written = _write(path, kept, route)
    if _has_price(written) or not is_loopback(route.base_url):
        _check(written, folder)
        return written.models[ROUTE]
    free = route.model_copy(update={"input_price": Decimal(0), "output_price": Decimal(0)})
    return _write(path, kept, free).models[ROUTE]


def _write(path: Path, kept: str, route: ModelRoute) -> Settings:
    fields = route.model_dump(exclude_defaults=True)
    lines = [f"[models.{ROUTE}]", *(f"{name} = {_toml(value)}" for name, value in fields.items())]
    path.write_text(f"{_MODELS.sub('', kept).rstrip()}\n\n{chr(10).join(lines)}\n", encoding="utf-8")
    settings = load_settings(path.parent)
    if [*settings.models] != [ROUTE]:
        raise InputError(
            "The fleet's models cannot be replaced",
            which=str(path),
            why=f"it then has {', '.join(settings.models)}",
            hint="Write each model as a table [models.NAME], and unset REMIT_MODELS",
        )
    asyncio.run(build_provider(ROUTE, settings.models[ROUTE], settings, path.parent).close())
    return settings


def _has_price(settings: Settings) -> bool:
    return worst_case(settings.models[ROUTE], {"messages": []}, settings) is not None


def _check(settings: Settings, folder: Path) -> None:
    if _has_price(settings):
        return
    names = f"REMIT_MODELS__{ROUTE}__INPUT_PRICE and REMIT_MODELS__{ROUTE}__OUTPUT_PRICE".upper()
    raise InputError(
        "Nobody knows what the model costs",
        which=settings.models[ROUTE].model,
        why="the public price table does not have it, or `exchange` in remit.toml no USD",
        hint=f"Set {names.replace(' AND ', ' and ')}: {settings.currency} per million tokens",
    )


def _toml(value: object) -> str:
    if isinstance(value, str):
        if not value.isprintable():
            raise InputError("Not a name or address", which=repr(value))
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value).lower()
