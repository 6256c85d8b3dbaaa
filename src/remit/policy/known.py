"""What a bundle has answered before: the same text put to the same policies gets the same answer, without Cedar.

The key holds all that Cedar is given. The question in it is the very text that is sent, so two questions that share a key
are one question to Cedar, whatever they were in Python; policies and entities are named by their bundle's digest.
"""

from collections import OrderedDict
from threading import Lock

from remit.core import remember
from remit.policy.model import RungAnswer

# Answers kept, some kilobytes each, and the longest question among them: most steps ask what others have asked.
ANSWERS_KEPT, LONGEST_KNOWN = 8_192, 2_000

Asked = tuple[str, str, str, str, str, str]
"""Bundle's digest, rung, action, the resource's type and id, and the context as it is sent. The agent is the bundle's."""


class KnownAnswers:
    """The latest answers. It holds no bundle, so that one nobody uses any more goes from memory."""

    def __init__(self, kept: int = ANSWERS_KEPT) -> None:
        self._kept = kept
        self._answers: OrderedDict[Asked, RungAnswer] = OrderedDict()
        self._lock = Lock()

    def find(self, asked: Asked) -> RungAnswer | None:
        """Returns what was answered to exactly this."""
        with self._lock:
            if (answer := self._answers.get(asked)) is not None:
                self._answers.move_to_end(asked)
            return answer

    def keep(self, asked: Asked, answer: RungAnswer) -> None:
        """Keeps an answer. One with errors is not kept: what went wrong may not have been the question's fault."""
        if answer.errors:
            return
        with self._lock:
            remember(self._answers, asked, answer, self._kept)
