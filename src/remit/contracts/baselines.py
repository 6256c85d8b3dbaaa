"""What people achieve with the same work, `baselines/NAME.yaml`: never without saying where it is from."""

from typing import Annotated

from pydantic import Field, model_validator

from remit.contracts.declared import Part
from remit.contracts.texts import DurationText, MoneyText


class Baseline(Part):
    """People's figures that an agent's are shown beside."""

    source: Annotated[str, Field(min_length=1, max_length=2_000)]
    """Who measured it, how, where it is written."""
    period: Annotated[str, Field(max_length=200)] = ""
    """When it was measured."""
    own: bool = False
    """Whether it was measured in this organisation, at this work."""
    cost_per_task: MoneyText | None = None
    """What one task costs when people do it."""
    minutes: Annotated[float, Field(gt=0, le=100_000)] | None = None
    """Working time of people for one task; at `people_minute` it makes the cost, where none is given."""
    ttr: DurationText | None = None
    """Median time from taken on to ended, such as `54.5h`."""

    @model_validator(mode="after")
    def _says_something(self) -> "Baseline":
        if self.cost_per_task is None and self.minutes is None and self.ttr is None:
            raise ValueError("A baseline has at least one of cost_per_task, minutes and ttr")
        return self
