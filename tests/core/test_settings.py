"""Settings come from remit.toml, the environment counts more, and a mistake says where it is."""

import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import BaseModel

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


SAID = {"str": "1 EUR", "int": "7", "float": "7.5", "bool": "false"}
# What is not a plain text or number, or is held to a form.
FORMS = {
    "REMIT_NAME": "acme",
    "REMIT_CURRENCY": "USD",
    "REMIT_EXCHANGE": '{"USD": "0.9"}',
    "REMIT_RELEASES": "on-load",
    "REMIT_OPERATING_MODEL": "federated",
    "REMIT_MODELS": '{"live": {"kind": "simulated"}}',
    "REMIT_WEBHOOKS": '{"shop": {"secret": "SHOP", "on_behalf_of": "ann@shop.example"}}',
    "REMIT_HTTP__TRUSTED_PROXIES": '["10.0.0.7"]',
    "REMIT_HTTP__PUBLIC_URL": "https://remit.example",
}


def variables(model: type[BaseModel], prefix: str = "REMIT_") -> Iterator[tuple[str, str]]:
    """Yields every setting's variable, with something other than its default."""
    for name, field in model.model_fields.items():
        variable = f"{prefix}{name}".upper()
        default = field.get_default(call_default_factory=True)
        if isinstance(default, BaseModel):
            yield from variables(type(default), f"{variable}__")
        else:
            yield variable, FORMS.get(variable) or SAID[type(default).__name__ if default is not None else "float"]


def test_every_setting_can_be_said_by_the_environment_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = dict(variables(Settings))
    assert {"REMIT_DATABASE_URL", "REMIT_DATABASE__READERS", "REMIT_LIMITS__STEPS", "REMIT_HTTP__TLS_KEY"} <= set(named)
    for variable, value in named.items():
        monkeypatch.setenv(variable, value)
    said, plain = load_settings(tmp_path).model_dump(), Settings.model_construct().model_dump()
    unheard = [name for name in plain if not isinstance(plain[name], dict) and said[name] == plain[name]]
    unheard += [
        f"{table}.{name}"
        for table in ("http", "limits", "database", "retention")
        for name, value in plain[table].items()
        if said[table][name] == value
    ]
    assert unheard == []
    assert (said["models"]["live"]["kind"], said["webhooks"]["shop"]["secret"]) == ("simulated", "SHOP")


def test_one_value_of_a_named_table_can_be_said_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REMIT_WEBHOOKS__MY-SHOP__SECRET", "SHOP")
    monkeypatch.setenv("REMIT_WEBHOOKS__MY-SHOP__ON_BEHALF_OF", "ann@shop.example")
    assert load_settings(tmp_path).webhooks["my-shop"].on_behalf_of == "ann@shop.example"


def test_the_databases_url_can_lie_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "url").write_text("postgresql://app:s3cret@db.example/remit\n", encoding="utf-8")
    monkeypatch.setenv("REMIT_DATABASE_URL_FILE", str(tmp_path / "url"))
    assert load_settings(tmp_path).database_url == "postgresql://app:s3cret@db.example/remit"
    monkeypatch.setenv("REMIT_DATABASE_URL", "sqlite:///here.db")
    with pytest.raises(InputError, match="both set"):
        load_settings(tmp_path)
    monkeypatch.delenv("REMIT_DATABASE_URL")
    monkeypatch.setenv("REMIT_DATABASE_URL_FILE", str(tmp_path / "nothing"))
    with pytest.raises(InputError, match="Cannot read the file"):
        load_settings(tmp_path)


def test_a_password_is_no_part_of_what_settings_say_of_themselves(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REMIT_DATABASE_URL", "postgresql://app:s3cret@db.example/remit")
    settings = load_settings(folder)
    assert "s3cret" not in repr(settings) + str(settings)
    monkeypatch.setenv("REMIT_DATABASE_URLS", "postgresql://app:s3cret@db.example/remit")
    monkeypatch.setenv("REMIT_CURRENCY", "euros")
    with pytest.raises(InputError) as wrong:
        load_settings(folder)
    assert "s3cret" not in wrong.value.text()


@pytest.mark.parametrize(
    ("wrong", "beside", "elsewhere"),
    [
        ("[limits]\nstepz = 3", "steps", "exchange"),
        ("[models.live]\nkind = 'openai'\nmodle = 'x'", "base_url", "exchange"),
        ("[models.live.deeper]\nkind = 'openai'", "kind", "exchange"),
        ("nmae = 'x'", "currency", "steps"),
    ],
)
def test_whoever_misspells_a_setting_is_told_what_there_is_in_its_table(
    tmp_path: Path, wrong: str, beside: str, elsewhere: str
) -> None:
    (tmp_path / "remit.toml").write_text(wrong, encoding="utf-8")
    with pytest.raises(InputError) as told:
        load_settings(tmp_path)
    assert f" {beside}" in f" {told.value.hint.partition(': ')[2]}"
    assert elsewhere not in told.value.hint
