"""Requests as the runtime sends them to a model, made by hand."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from remit_fleets.support.simulated import answer, fault_of
from remit_fleets.support.simulated.faults import Fault, is_stubborn

Fields = Mapping[str, Any]


def request(agent: str, given: Fields, results: Fields, complaints: Sequence[str] = ()) -> dict[str, Any]:
    """Returns a request in which the model plays `agent`."""
    told = {"input": dict(given), "results": dict(results)}
    messages = [{"role": "system", "content": f"# {agent}\n\nYou …"}, {"role": "user", "content": json.dumps(told)}]
    return {"messages": messages + [{"role": "user", "content": complaint} for complaint in complaints]}


def answered(agent: str, given: Fields, results: Fields, complaints: Sequence[str] = ()) -> dict[str, Any]:
    """Returns the fields of the model's answer."""
    return json.loads(answer(request(agent, given, results, complaints))["content"])


def ticket(body: str, subject: str = "", number: str = "", **more: Any) -> dict[str, Any]:
    """Returns a ticket with which the model makes no mistake of its own, unless `number` says which ticket it is."""
    number = number or numbered(f"{subject}\n{body}", None)
    return {"ticket": number, "from": "edith.fairmere1@mail.example", "subject": subject, "body": body, **more}


def numbered(text: str, fault: Fault | None, *, stubborn: bool = False) -> str:
    """Returns the first ticket number under which the model makes this mistake with a text."""
    names = (f"T-0-{number:06}" for number in range(100_000))
    return next(name for name in names if fault_of(name, text) == fault and is_stubborn(name, text) == stubborn)
