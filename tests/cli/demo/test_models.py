"""A real model takes the simulated one's place in the copied fleet, or it is said what it lacks."""

import shutil
from pathlib import Path

import pytest

from remit.cli.demo.models import chosen_route, put_route
from remit.cli.shipped import shipped_fleet
from remit.core import InputError, ModelRoute, load_settings

LOCAL = "http://127.0.0.1:11434/v1"


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(shipped_fleet("starter"), tmp_path / "fleet"))


def chosen(model: str, base_url: str = "") -> ModelRoute:
    route = chosen_route(model, base_url)
    assert route is not None
    return route


def test_without_a_model_the_fleet_keeps_its_own() -> None:
    assert chosen_route("", "") is None


@pytest.mark.parametrize(("kind", "key"), [("openai", "OPENAI_API_KEY"), ("anthropic", "ANTHROPIC_API_KEY")])
def test_a_makers_own_address_needs_its_key(kind: str, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=f"The variable {key} is not set"):
        chosen_route(f"{kind}:some-model", "")
    monkeypatch.setenv(key, "secret")
    assert (chosen(f"{kind}:some-model").kind, chosen(f"{kind}:some-model").key) == (kind, key)


def test_an_address_of_ones_own_gets_the_key_there_is_and_does_without() -> None:
    assert chosen("openai:qwen3", LOCAL).key == ""


@pytest.mark.parametrize("model", ["qwen3", "openai:", "google:gemini", ":x"])
def test_a_model_nobody_can_ask_is_told(model: str) -> None:
    with pytest.raises(InputError, match="Write openai:NAME or anthropic:NAME"):
        chosen_route(model, "")


def test_an_address_alone_is_told() -> None:
    with pytest.raises(InputError, match="An address without a model"):
        chosen_route("", LOCAL)


def test_the_route_takes_the_place_of_all_the_fleet_had(folder: Path) -> None:
    route = put_route(folder, chosen("openai:qwen3", LOCAL))
    settings = load_settings(folder)
    assert dict(settings.models) == {"live": route}
    assert settings.limits.approval_hours == 24, "what stands after the models stays"


def test_what_is_asked_on_this_machine_and_has_no_known_price_is_free_of_charge(folder: Path) -> None:
    route = put_route(folder, chosen("openai:qwen3", LOCAL))
    assert (route.input_price, route.output_price) == (0, 0)
    assert route.cloud, "what answers on this machine may ask somebody in the cloud"


def test_elsewhere_a_model_without_a_price_is_told(folder: Path) -> None:
    with pytest.raises(InputError, match="Set REMIT_MODELS__LIVE__INPUT_PRICE and REMIT_MODELS__LIVE__OUTPUT_PRICE"):
        put_route(folder, chosen("openai:qwen3", "https://models.example/v1"))


def test_a_price_can_be_given(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("INPUT", "OUTPUT"):
        monkeypatch.setenv(f"REMIT_MODELS__LIVE__{name}_PRICE", "2.5")
    assert put_route(folder, chosen("openai:qwen3", "https://models.example/v1")).input_price == 2.5


def test_text_is_not_sent_in_the_clear_unless_somebody_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = chosen("openai:qwen3", "http://10.0.0.7:8000/v1")
    with pytest.raises(InputError, match="in the clear"):
        put_route(folder, elsewhere)
    monkeypatch.setenv("REMIT_MODELS__LIVE__CLOUD", "false")
    for name in ("INPUT", "OUTPUT"):
        monkeypatch.setenv(f"REMIT_MODELS__LIVE__{name}_PRICE", "0")
    assert not put_route(folder, elsewhere).cloud


@pytest.mark.parametrize("address", ["ftp://x", "http://[", "nowhere", "http://user:pass@localhost/v1"])
def test_an_address_that_is_none_is_told(folder: Path, address: str) -> None:
    with pytest.raises(InputError):
        put_route(folder, chosen("openai:qwen3", address))


def test_a_name_is_written_so_that_it_is_read_back(folder: Path) -> None:
    name = 'a "quoted" \\ name'
    assert put_route(folder, chosen(f"openai:{name}", LOCAL)).model == name
    with pytest.raises(InputError, match="Not a name or address"):
        put_route(folder, chosen("openai:two\nlines", LOCAL))
