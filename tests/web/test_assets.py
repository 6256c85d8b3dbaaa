"""The console's own files: kept for ever under a name that changes with them, and what is taken from others unchanged."""

import hashlib
import re
from pathlib import Path

from tests.web.visitors import knock, open_cell

from remit.web.assets import FOLDER, Assets

MOST_LINES_OF_SCRIPT = 250


async def test_every_file_a_page_asks_for_is_there_and_may_be_kept(tmp_path: Path) -> None:
    async with open_cell(tmp_path) as cell, knock(cell) as browser:
        page = (await browser.get("/login")).text
        wanted = set(re.findall(r'(?:href|src)="(/static/[^"#]+)', page))
        assert len(wanted) >= 6
        for address in wanted:
            answer = await browser.get(address)
            assert answer.status_code == 200, address
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert address.split("/")[2] == hashlib.sha256(answer.content).hexdigest()[:12]


async def test_an_address_with_another_digest_or_outside_is_not_answered(tmp_path: Path) -> None:
    async with open_cell(tmp_path) as cell, knock(cell) as browser:
        for address in (
            "/static/000000000000/app.css",
            "/static/app.css",
            "/static/x/../app.py",
            "/static/x/%2e%2e/app.py",
        ):
            answer = await browser.get(address)
            assert answer.status_code in (303, 404), address
            assert "immutable" not in answer.headers.get("cache-control", "")


def test_what_is_taken_from_others_is_what_its_readme_says() -> None:
    told = dict(re.findall(r"^\| (\S+\.js) \|.*\| ([0-9a-f]{64}) \|$", (FOLDER / "vendor/README.md").read_text(), re.M))
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (FOLDER / "vendor").glob("*.js")}
    assert found == told
    assert (FOLDER / "vendor/LICENSE").exists()


def test_our_own_script_stays_small_and_asks_for_nothing_that_the_policy_forbids() -> None:
    script = (FOLDER / "app.js").read_text(encoding="utf-8")
    assert len(script.splitlines()) <= MOST_LINES_OF_SCRIPT
    assert not re.search(r"\beval\(|new Function|innerHTML|\.style\b|setAttribute\(.(style|on)", script)


def test_styles_ask_for_nothing_from_elsewhere() -> None:
    for path in FOLDER.glob("*.css"):
        assert not re.search(r"url\(|@import|https?:", path.read_text(encoding="utf-8")), path.name


def test_every_file_has_an_address_of_its_own() -> None:
    addresses = Assets().addresses()
    assert len(set(addresses)) == len(addresses) >= 8
