"""Somebody who may look and no more: what they send by hand changes nothing, and what customers wrote they see nowhere."""

import re
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from journeys.console import ADA, CARA, MESSAGE, VERA, Desk, Person, Visit

pytestmark = pytest.mark.slow
_POST = """async ([path, fields]) => {
  const answer = await fetch(path, {method: "POST", body: new URLSearchParams(fields), redirect: "manual"});
  return answer.status;
}"""
# With one filter at most; two show nothing that one does not.
_LINK = re.compile(r'href="(/[^"#&]*)"')


@pytest.fixture
def elsewhere() -> Generator[str]:
    """Another site on this machine, whose page sends whoever opens it on to an address with a form."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>elsewhere</title><form method=post></form>")

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def send_from(person: Person, origin: str, target: str, fields: dict[str, str]) -> int:
    """Has a page of another origin send a form to the console; returns what the console answered."""
    person.page.goto(origin)
    with person.page.expect_navigation() as sent:
        person.page.evaluate(
            """([target, fields]) => {
              const form = document.forms[0];
              form.action = target;
              for (const [name, value] of Object.entries(fields)) {
                form.append(Object.assign(document.createElement("input"), {name, value}));
              }
              form.submit();
            }""",
            [target, fields],
        )
    return sent.value.status


def test_a_viewer_who_approves_by_hand_made_requests_changes_nothing_and_is_on_record(
    desk: Desk, visit: Visit, elsewhere: str
) -> None:
    run = desk.ask(420)
    question = f"/approvals/{run['waits_for']}"
    vera = visit(VERA).go(question)
    vera.window.refusals = {403}
    vera.sees("You may not answer", "main")
    token = vera.find("meta[name=csrf-token]").get_attribute("content")
    fields = {"because": "let me", "seen": desk.api("GET", question)["fingerprint"]}

    for extra in ({"csrf": token}, {}, {"csrf": "made-up"}):
        assert vera.page.evaluate(_POST, [f"{question}/approve", {**fields, **extra}]) == 403
    stop = {"csrf": token, "scope": "fleet", "confirm": "fleet", "because": "let me"}
    assert vera.page.evaluate(_POST, ["/switches/stop", stop]) == 403

    # Somebody who may answer is led to another site, which knows all but that it is another site.
    cara = visit(CARA).go(question)
    cara.window.refusals = {403, 404}  # a refusal in plain text has no icon
    stolen = {**fields, "csrf": cara.find("meta[name=csrf-token]").get_attribute("content") or ""}
    for origin in (elsewhere, elsewhere.replace("127.0.0.1", "localhost")):
        assert send_from(cara, origin, f"{desk.address}{question}/approve", stolen) == 403

    assert desk.api("GET", question)["state"] == "pending"
    assert desk.run(run["run"])["state"] == "waiting"
    refused = desk.api("GET", "/log/entries?kind=access.refused")["rows"]
    assert {row["ref"] for row in refused} == {VERA}
    told = " ".join(row["told"] for row in refused)
    assert "fleet:approvals:answer" in told
    assert "fleet:switches:pull" in told


def test_a_viewer_finds_nowhere_what_a_customer_wrote(desk: Desk, visit: Visit) -> None:
    waiting = desk.ask(450)["run"]
    desk.ask(40)
    ada = visit(ADA)
    assert MESSAGE in ada.go(f"/runs/{waiting}").page.content().replace("&#39;", "'")
    vera, seen, ahead = visit(VERA), set[str](), ["/"]
    ahead += [f"/runs/{waiting}/steps/{step}" for step in (1, 2, 3)]
    while ahead:
        path = ahead.pop()
        seen.add(path)
        answer = vera.window.context.request.get(f"{desk.address}{path}")
        text = answer.text()
        assert answer.status < 500, path
        assert MESSAGE.partition("'")[2] not in text, path
        for link in _LINK.findall(text):
            if link not in seen and link not in ahead and not link.startswith("/static/"):
                ahead.append(link)
    assert len(seen) > 50
