"""Figures counted the plain way: every task looked at, nothing remembered."""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from statistics import median
from typing import Any

from kpis.history import Asked, History, Work
from remit.approvals import ApprovalState
from remit.core import DAY
from remit.journal import FeedbackKind

UNPLANNED = {"unknown", "answer", "stuck"}


def reference(
    history: History, *, agent: str = "", unit: str = "", since: int = 0, until: int = 2**62, answer_price: int | None
) -> dict[str, Any]:
    """Returns what `Kpis.figures` should say, without its times, and the times themselves, sorted."""
    mine = [work for work in history.works if agent in ("", work.agent) and unit in ("", work.unit)]
    ended = [work for work in mine if work.ended_at is not None and since <= work.ended_at < until]
    still_open = [work for work in mine if work.ended_at is None and since <= work.created_at < until]
    succeeded = [work for work in ended if work.outcome == "success"]
    spent = {kind: sum(c.amount for work in ended for c in work.charges if c.kind == kind) for kind in KINDS}
    answers = [asked for work in ended for asked in work.asked if asked.effects]
    given = sum(len(asked.answers) + (asked.carried_out_at is not None) for asked in answers)
    people = None if answer_price is None else spent["person"] + given * answer_price
    paid = spent["tool"] + spent["model"] + (spent["person"] if people is None else people)
    resolution = [ended_at(work) - work.created_at for work in ended]
    sources = [source_of(work) for work in ended]
    waste = sum(charge.amount for work in ended if work not in succeeded for charge in work.charges)
    scores = [score for work in ended if (score := last_score(work))]
    return {
        "tasks": len(ended) + len(still_open),
        "open": len(still_open),
        "succeeded": len(succeeded),
        "failed": len(ended) - len(succeeded),
        "success_rate": len(succeeded) / len(ended) if ended else None,
        "cost": sum(spent.values()),
        "cpso": round(paid / len(succeeded)) if succeeded else None,
        "tool": spent["tool"],
        "model": spent["model"],
        "people": people,
        "waste": waste,
        "waste_share": waste / sum(spent.values()) if sum(spent.values()) else None,
        "satisfaction": sum(scores) / len(scores) if scores else None,
        "rated": len(scores) / len(ended) if ended else None,
        "appeals": said(ended, FeedbackKind.APPEAL),
        "person_asked": said(ended, FeedbackKind.PERSON),
        "waiting": sum(map(waiting, ended)) / sum(resolution) if sum(resolution) else None,
        "hir": share(ended, lambda asked: asked.kind in UNPLANNED or is_corrected(asked)),
        "asked": share(ended, lambda asked: asked.kind not in UNPLANNED),
        "answers": given,
        "denied": sum(work.denied for work in ended),
        "unpriced": sum(not all(charge.priced for charge in work.charges) for work in ended),
        **{source: sources.count(source) for source in ("live", "recorded", "simulated")},
        "not_live": len(sources) - sources.count("live"),
        "ttr": middle(resolution),
        "ttr_p90": ninth_tenth(resolution),
        "answer_time": middle([answered_at(asked) - asked.at for asked in answers if is_answered(asked)]),
        "resolution": sorted(resolution),
    }


KINDS = ("tool", "model", "person")


def ended_at(work: Work) -> int:
    """When a task ended that has ended."""
    assert work.ended_at is not None
    return work.ended_at


def source_of(work: Work) -> str:
    """The least live source of a task."""
    sources = {charge.source for charge in work.charges}
    return next((source for source in ("simulated", "recorded") if source in sources), "live")


def last_score(work: Work) -> int | None:
    """The last score of a task."""
    return next((score for _, score in reversed(work.said) if score), None)


def said(ended: Sequence[Work], kind: FeedbackKind) -> float | None:
    """Returns of which part of the tasks this was said."""
    return sum(any(each is kind for each, _ in work.said) for work in ended) / len(ended) if ended else None


def is_corrected(asked: Asked) -> bool:
    """Whether somebody said no, or changed it."""
    return any(answer != "approve" for answer, _ in asked.answers.values())


def share(ended: Sequence[Work], counts: Callable[[Asked], bool]) -> float | None:
    """Returns in which part of the tasks some question counts."""
    found = sum(any(counts(asked) for asked in work.asked if asked.effects) for work in ended)
    return found / len(ended) if ended else None


def answered_at(asked: Asked) -> int:
    """When the last answer came."""
    return max([at for _, at in asked.answers.values()] or [asked.carried_out_at or 0])


def is_answered(asked: Asked) -> bool:
    """Whether people have answered, all who had to."""
    return asked.state is not ApprovalState.PENDING and bool(asked.answers or asked.carried_out_at)


def waiting(work: Work) -> int:
    """Returns how long some question was open, moment by moment where anything changes."""
    spans: list[tuple[int, int]] = []
    for asked in (one for one in work.asked if one.effects):
        last = answered_at(asked) if is_answered(asked) else asked.closed_at
        spans.append((asked.at, ended_at(work) if last is None else last))
    edges = sorted({work.created_at, ended_at(work), *(edge for span in spans for edge in span)})
    between = pairwise(edges)
    inside = [(a, b) for a, b in between if work.created_at <= a and b <= ended_at(work)]
    return sum(b - a for a, b in inside if any(first <= a and b <= last for first, last in spans))


def middle(times: Sequence[int]) -> int | None:
    """Returns the median of times, each told as the mean of those that share its bucket."""
    told = in_buckets(times)
    return round(median(told)) if told else None


def ninth_tenth(times: Sequence[int]) -> int | None:
    """Returns the smallest time that nine in ten do not exceed."""
    told = in_buckets(times)
    return next((time for place, time in enumerate(told, 1) if place * 10 >= len(told) * 9), None)


def in_buckets(times: Iterable[int]) -> list[int]:
    """Returns the times in order, each as the mean of its bucket: between 2^n and 2^(n+1) there are 32."""
    buckets: dict[tuple[int, int], list[int]] = {}
    for time in times:
        power = max(5, time.bit_length() - 1)
        buckets.setdefault((power, time * 32 // 2**power), []).append(time)
    return sorted(round(sum(some) / len(some)) for some in buckets.values() for _ in some)


def day_of_end(work: Work) -> int:
    """The UTC day a task ended on."""
    return ended_at(work) // DAY
