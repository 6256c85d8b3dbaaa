"""Settings come from remit.toml, the environment counts more, and a mistake says where it is."""

import os
from decimal import Decimal
from pathlib import Path

import pytest

from remit.core import Http, InputError, Settings, load_settings

TOML = """\
name = "acme"
currency = "USD"
exchange = {EUR = "1.08"}

[limits]
steps = 40
hops = 3

[models.desk]
kind = "openai"
base_url = "https://models.example/v1"
key = "DESK_KEY"
"""


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.upper().startswith("REMIT_"):
            monkeypatch.delenv(name)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "remit.toml").write_text(TOML, encoding="utf-8")
    return tmp_path


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    settings = load_settings(tmp_path)
    assert (settings.name, settings.currency, settings.limits.hops) == ("remit", "EUR", 5)


def test_the_file_is_read(folder: Path) -> None:
    settings = load_settings(folder)
    assert (settings.name, settings.limits.steps, settings.limits.hops) == ("acme", 40, 3)
    assert settings.exchange == {"EUR": Decimal("1.08")}
    assert settings.models["desk"].key == "DESK_KEY"


def test_a_setting_that_nobody_knows_is_told_in_words(folder: Path) -> None:
    (folder / "remit.toml").write_text('nmae = "acme"\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"'nmae' is wrong .* There is no such setting"):
        load_settings(folder)


def test_the_environment_overrides_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REMIT_NAME", "other")
    monkeypatch.setenv("REMIT_DATABASE_URL", "sqlite:///elsewhere.db")
    settings = load_settings(folder)
    assert (settings.name, settings.database_url, settings.currency) == ("other", "sqlite:///elsewhere.db", "USD")


def test_the_environment_overrides_one_nested_value_and_leaves_its_neighbours(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REMIT_LIMITS__STEPS", "7")
    monkeypatch.setenv("REMIT_MODELS__DESK__BASE_URL", "http://localhost:1")
    monkeypatch.setenv("REMIT_EXCHANGE__EUR", "1.10")
    settings = load_settings(folder)
    assert (settings.limits.steps, settings.limits.hops) == (7, 3)
    assert (settings.models["desk"].base_url, settings.models["desk"].key) == ("http://localhost:1", "DESK_KEY")
    assert settings.exchange == {"EUR": Decimal("1.10")}


def test_other_variables_of_that_prefix_are_left_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REMIT_SHARED_DATA", "/somewhere")
    assert load_settings(folder).name == "acme"


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("colour = 'red'", "colour"),
        ("currency = 'euro'", "currency"),
        ("[limits]\nstep = 3", "limits.step"),
        ("[limits]\nsteps = 'many'", "limits.steps"),
        ("[models.desk]\nkind = 'psychic'", "models.desk.kind"),
        ("limits = 3", "limits"),
        ("people_minute = '-0.80 EUR'", "people_minute"),
        ("answer_minutes = -1", "answer_minutes"),
    ],
)
def test_a_wrong_setting_names_the_file_and_the_field(tmp_path: Path, line: str, field: str) -> None:
    (tmp_path / "remit.toml").write_text(line, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_settings(tmp_path)
    assert f"'{field}'" in caught.value.what
    assert caught.value.which == str(tmp_path / "remit.toml")
    assert caught.value.why


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("REMIT_LIMITS__STEPS", "many"),
        ("REMIT_CURRENCY", "euro"),
        ("REMIT_LIMITS__STEP", "3"),
    ],
)
def test_a_mistake_in_the_environment_names_the_variable(
    folder: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(InputError, match=variable):
        load_settings(folder)


def test_a_variable_that_is_no_table_names_the_setting(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REMIT_MODELS", "no json")
    with pytest.raises(InputError, match='"models"'):
        load_settings(folder)


@pytest.mark.parametrize("content", [b"name = ", b"name = 'a'\nname = 'b'", b"\xff"])
def test_a_file_that_is_not_toml_is_an_error_naming_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "remit.toml").write_bytes(content)
    with pytest.raises(InputError, match=r"Cannot read the settings .*remit\.toml"):
        load_settings(tmp_path)


def test_a_folder_of_that_name_is_an_error_naming_it(tmp_path: Path) -> None:
    (tmp_path / "remit.toml").mkdir()
    with pytest.raises(InputError, match=r"Cannot read the settings .*remit\.toml"):
        load_settings(tmp_path)


def test_settings_cannot_be_changed(folder: Path) -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings(folder).name = "other"  # type: ignore[misc]


def test_defaults_need_no_file_at_all() -> None:
    assert Settings().releases == "by-person"


WEBHOOK = """[webhooks.shop]
secret = "SHOP_SECRET"
on_behalf_of = "zoe.shop@shop.example"
events = ["ticket.created"]
"""


def test_a_webhook_names_the_variable_that_holds_its_secret(tmp_path: Path) -> None:
    (tmp_path / "remit.toml").write_text(WEBHOOK)
    (name, webhook), *others = load_settings(tmp_path).webhooks.items()
    assert (name, webhook.secret, webhook.events, webhook.tolerance_seconds, others) == (
        "shop",
        "SHOP_SECRET",
        ("ticket.created",),
        300,
        [],
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SHOP_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ("webhooks.shop", 'webhooks."my shop"'),
        ("zoe.shop@shop.example", ""),
        ("events", "event"),
    ],
)
def test_a_webhook_that_is_set_wrongly_is_told_and_its_secret_is_not(tmp_path: Path, old: str, new: str) -> None:
    (tmp_path / "remit.toml").write_text(WEBHOOK.replace(old, new))
    with pytest.raises(InputError, match="webhooks") as told:
        load_settings(tmp_path)
    assert "MfKQ9r8" not in str(told.value)


def http(folder: Path, *lines: str) -> Http:
    (folder / "remit.toml").write_text("\n".join(("[http]", *lines)), encoding="utf-8")
    return load_settings(folder).http


def test_it_listens_on_this_machine_only_unless_told_otherwise(tmp_path: Path) -> None:
    assert http(tmp_path).origin() == "http://127.0.0.1:8321"
    assert http(tmp_path).origin(5000) == "http://127.0.0.1:5000"


@pytest.mark.parametrize(
    ("lines", "origin"),
    [
        (['public_url = "https://remit.example"'], "https://remit.example"),
        (['public_url = "https://remit.example:8443/"'], "https://remit.example:8443"),
        (['host = "0.0.0.0"', 'tls_cert = "c.pem"', 'tls_key = "k.pem"'], "https://127.0.0.1:8321"),
        (['host = "::1"', "port = 80"], "http://[::1]:80"),
    ],
)
def test_the_origin_is_what_people_write_into_their_browser(tmp_path: Path, lines: list[str], origin: str) -> None:
    assert http(tmp_path, *lines).origin() == origin


@pytest.mark.parametrize(
    "line",
    [
        'tls_cert = "c.pem"',
        'tls_key = "k.pem"',
        'public_url = "https://remit.example/console"',
        'public_url = "https://remit.example?x=1"',
        'public_url = "https://remit.example#x"',
        'public_url = "https://user@remit.example"',
        'public_url = "https://remit.example:99999"',
        'public_url = "javascript://remit.example"',
        'public_url = "remit.example"',
        'public_url = "https://"',
        'trusted_proxies = ["everybody"]',
        'trusted_proxies = ["10.0.0.0/33"]',
        "port = 70000",
        "session_hours = 0",
        "login_tries = 0",
        "lockout_minutes = 0",
        'host = ""',
    ],
)
def test_a_wrong_http_setting_is_told(tmp_path: Path, line: str) -> None:
    with pytest.raises(InputError, match="http"):
        http(tmp_path, line)
