"""What templates make of values: escaped, marked up by nobody but us, the same everywhere."""

from html.parser import HTMLParser

import pytest
from jinja2 import UndefinedError

from remit.core import DAY, HOUR, MINUTE, SECOND
from remit.operations import moment
from remit.web.assets import Assets
from remit.web.schema_form import show_form
from remit.web.templating import build_environment

NOW = 1_700_000_000_000_000
ENVIRONMENT = build_environment(Assets(), lambda: NOW)


def rendered(source: str, **values: object) -> str:
    return ENVIRONMENT.from_string(source).render(**values)


def test_whatever_somebody_wrote_is_escaped() -> None:
    assert rendered("{{ it }} {{ it|json }}", it="<script>") == "&lt;script&gt; &#34;&lt;script&gt;&#34;"


def test_a_name_that_is_missing_is_a_fault() -> None:
    with pytest.raises(UndefinedError):
        rendered("{{ nothing }}")


@pytest.mark.parametrize(
    ("at", "told"),
    [
        (0, "now"),
        (-42 * SECOND, "42 s ago"),
        (-3 * MINUTE, "3 min ago"),
        (-25 * HOUR, "25 h ago"),
        (-10 * DAY, "10 d ago"),
        (90 * DAY, "in 90 d"),
        (-100 * DAY, "3 months ago"),
        (90 * MINUTE, "in 1 h"),
    ],
)
def test_times_are_told_from_now_with_the_exact_one_beside(at: int, told: str) -> None:
    shown = rendered("{{ it|when }}", it=moment(NOW + at))
    assert f">{told}</time>" in shown
    assert 'title="20' in shown
    assert rendered("{{ it|ago }}", it=moment(NOW + at)) == told


@pytest.mark.parametrize(
    ("why", "told"),
    [
        ("agent:desk is stopped: it looks odd", "agent:desk is stopped: it looks odd."),
        ("it takes a reason", "It takes a reason."),
        ("`remit resume SCOPE` lets it go on", "<code>remit resume SCOPE</code> lets it go on."),
        ("<b> is odd?", "&lt;b&gt; is odd?"),
    ],
)
def test_why_something_was_refused_is_a_sentence_and_names_keep_their_spelling(why: str, told: str) -> None:
    assert rendered("{{ why|sentence }}", why=why) == told


def test_there_is_no_time_where_there_is_none() -> None:
    assert rendered("{{ ''|when }}{{ ''|ago }}") == ""


@pytest.mark.parametrize(
    ("written", "forbidden"),
    [
        ("<script>alert(1)</script>", "<script"),
        ("<b onclick='x'>", "<b"),
        ("[a](javascript:alert(1))", "href"),
        ("[a](data:text/html;base64,x)", "href"),
        ("![p](https://evil.example/p.png)", "<img"),
        ("a <style>*{display:none}</style>", "<style"),
    ],
)
def test_markdown_brings_no_html_no_pictures_and_no_scripts(written: str, forbidden: str) -> None:
    assert forbidden not in rendered("{{ it|md }}", it=written)


def test_links_in_markdown_vouch_for_nothing() -> None:
    assert 'rel="nofollow noopener noreferrer"' in rendered("{{ it|md }}", it="[a](https://remit.example)")


def test_numbers_have_thousands_apart_and_shares_are_percent() -> None:
    assert (
        rendered("{{ 184213|number }} {{ none|number }} {{ 0.256|percent(0) }} {{ none|percent }}") == "184,213  26 % "
    )


def test_a_field_with_an_odd_name_stays_inside_its_attributes() -> None:
    odd = "x hx-post=/switches/stop hx-trigger=load \"'"
    form = show_form({"type": "object", "properties": {odd: {"type": "string", "description": "odd"}}})
    html = rendered(
        '{% from "_parts.html" import schema_form_fields %}{{ schema_form_fields(f, "edit", "e") }}', f=form
    )
    seen: list[dict[str, str | None]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            seen.append(dict(attrs))

    Reader().feed(html)
    assert not [attrs for attrs in seen if "hx-post" in attrs]
    (field,) = [attrs for attrs in seen if "name" in attrs]
    assert field["aria-describedby"] == f"edit-arg.{odd}-says"
    assert field["data-key"] == "e"
