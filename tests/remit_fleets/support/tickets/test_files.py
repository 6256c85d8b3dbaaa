"""Tickets out of people's files: what is right is taken, every mistake is told with its place."""

import json
from pathlib import Path

import pytest

from remit.core import InputError, NotFoundError
from remit_fleets.support.tickets import Ticket, Tickets, read_tickets, write_tickets
from remit_fleets.support.tickets.files import MOST_BYTES
from remit_fleets.support.world import make_world


def _file(tmp_path: Path, name: str, content: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def _mistakes(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_tickets(path)
    return caught.value.text()


@pytest.mark.parametrize("name", ["tickets.csv", "tickets.jsonl", "TICKETS.CSV", "tickets.ndjson"])
def test_what_is_written_is_read_back(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    tickets = list(Tickets(make_world(7, 60)))
    assert write_tickets(path, tickets) == 60
    read = read_tickets(path)
    assert [ticket.data for ticket in read] == [ticket.data for ticket in tickets]
    assert {(ticket.language, ticket.truth) for ticket in read} == {("", None)}


def test_a_file_without_numbers_gets_some(tmp_path: Path) -> None:
    path = _file(tmp_path, "t.csv", "from,subject,body\na@b.example,Hello,Where is it?\nc@d.example,,Broken\n")
    assert read_tickets(path) == (
        Ticket("T-000001", "a@b.example", "Hello", "Where is it?"),
        Ticket("T-000002", "c@d.example", "", "Broken"),
    )


def test_a_spreadsheets_csv_is_read(tmp_path: Path) -> None:
    path = _file(tmp_path, "t.csv", '\ufeffSubject,From,Body\r\nHi,a@b.example,"two\r\nlines, and ""quotes"""\r\n\r\n')
    (ticket,) = read_tickets(path)
    assert (ticket.sender, ticket.body) == ("a@b.example", 'two\r\nlines, and "quotes"')


@pytest.mark.parametrize("between", [";", "\t"], ids=["semicolons", "tabs"])
def test_columns_may_be_separated_otherwise(between: str, tmp_path: Path) -> None:
    rows = (("from", "subject", "body"), ("a@b.example", "x, y", "z"))
    path = _file(tmp_path, "t.csv", "\n".join(between.join(row) for row in rows))
    assert read_tickets(path)[0].subject == "x, y"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("from,subject\na@b.example,x\n", "t.csv:1: the column 'body' is not there"),
        ("from,subject,body,age\na@b.example,x,y,3\n", "t.csv:1: the column 'age' is not known; there are from, subject"),
        ("from,subject,body,body\na@b.example,x,y,z\n", "t.csv:1: the column 'body' is there 2 times"),
        ("from,subject,body\na@b.example,x\n", "t.csv:2: has 2 values, the header 3; put texts with commas into quotes"),
        ("from,subject,body\na@b.example,x,\n", "t.csv:2: body: is empty; write what the customer wrote"),
        ("from,subject,body\nada,x,y\n", "t.csv:2: from: 'ada' is no mail address; write name@host"),
        ("from,subject,body\na@b.example,x,\"y\nz\"\nada,x,y\n", "t.csv:4: from: 'ada'"),
        ('from,subject,body\na@b.example,x,"y', "t.csv:2: is no CSV"),
        (
            "ticket,from,subject,body\nT-1,a@b.example,x,y\nT-1,c@d.example,x,y\n",
            "t.csv:3: ticket: 'T-1' is the number of line 2 already; give it another",
        ),
        (
            f"from,subject,body\na@b.example,{'x' * 501},y\n",
            "t.csv:2: subject: has 501 characters, 500 may be; shorten it",
        ),
        ("from,subject,body\na@b.example,x,y\0z\n", "t.csv:2: body: holds a zero byte"),
    ],
    ids=[
        "column missing", "column unknown", "column twice", "too few values", "empty body", "no address",
        "after a text of two lines", "open quote", "number twice", "too long", "zero byte",
    ],
)  # fmt: skip
def test_each_mistake_in_a_csv_is_told_with_its_line(content: str, told: str, tmp_path: Path) -> None:
    assert told in _mistakes(_file(tmp_path, "t.csv", content))


RIGHT = {"from": "a@b.example", "subject": "x", "body": "y"}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"from": ', "t.jsonl:2: is no JSON at column 10; write one object for each line"),
        ("[1]", "t.jsonl:2: is a list; write one object for each line"),
        ("null", "t.jsonl:2: is null"),
        (json.dumps(RIGHT | {"age": 3}), "t.jsonl:2: age: no field of a ticket; there are from, subject, body, ticket"),
        (json.dumps(RIGHT | {"body": 3}), "t.jsonl:2: body: must be text, is a number; write it in quotes"),
        (json.dumps(RIGHT | {"ticket": None}), "t.jsonl:2: ticket: must be text, is null"),
        (
            '{"from": "a@b.example", "subject": "x"}',
            "t.jsonl:2: body: is not there; each ticket has from, subject, body",
        ),
        (json.dumps(RIGHT | {"body": "\ud800"}), "t.jsonl:2: body: holds a zero byte or half a character"),
        ("[" * 100_000, "t.jsonl:2: is no JSON"),
    ],
    ids=["cut off", "list", "null", "unknown", "number", "no number", "missing", "half a character", "too deep"],
)
def test_each_mistake_in_json_lines_is_told_with_its_line(line: str, told: str, tmp_path: Path) -> None:
    assert told in _mistakes(_file(tmp_path, "t.jsonl", f"{json.dumps(RIGHT)}\n{line}\n"))


def test_all_mistakes_are_told_together_and_nothing_is_taken(tmp_path: Path) -> None:
    rows = "".join(f"a{number},x,y\n" for number in range(30))
    told = _mistakes(_file(tmp_path, "t.csv", f"from,subject,body\n{rows}"))
    assert told.count("is no mail address") == 20
    assert "… and 10 more" in told
    assert "nothing was taken" in told


def test_letters_that_are_not_utf_8_are_told_with_their_line(tmp_path: Path) -> None:
    path = _file(tmp_path, "t.csv", "from,subject,body\na@b.example,x,Grüße\n".encode("latin-1"))
    assert "t.csv:2" in _mistakes(path)
    assert "Save it as UTF-8" in _mistakes(path)


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    assert "Name the file with .csv, .jsonl, .ndjson" in _mistakes(_file(tmp_path, "t.xlsx", "x"))


@pytest.mark.parametrize("content", ["", "\n\n", "from,subject,body\n"], ids=["nothing", "blank", "header"])
def test_a_file_without_a_ticket_is_refused(content: str, tmp_path: Path) -> None:
    assert "There is no ticket in the file" in _mistakes(_file(tmp_path, "t.csv", content))


def test_a_file_that_is_too_large_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    with path.open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    assert "The file is too large" in _mistakes(path)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no file with tickets"):
        read_tickets(tmp_path / "none.csv")
