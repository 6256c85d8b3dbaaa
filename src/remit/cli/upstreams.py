"""`remit upstreams`: tool servers and model routes, which are out of reach and for whom, and what waits for them."""

from remit.app import Cell
from remit.cli.options import HERE, FleetOption, JsonOption, with_cell
from remit.cli.output import show_json, show_rows
from remit.operations import UpstreamShown, Views


def upstreams(fleet: FleetOption = HERE, as_json: JsonOption = False) -> None:
    """List tool servers and model routes: which the processes at work cannot reach, and how many runs wait for each."""

    async def work(_: Cell, views: Views) -> list[UpstreamShown]:
        return views.upstreams.listing()

    found = with_cell(fleet, work)
    if as_json:
        # This process has asked none of them, and is over with its answer.
        show_json([each.model_dump(exclude={"here"}) for each in found])
        return
    rows = [
        {
            "name": each.name,
            "kind": each.kind,
            "state": each.state,
            "places": each.places,
            "parked": each.parked,
            "since": each.since or "-",
            "out of reach for": "; ".join(
                f"{out.host.partition('+')[0]}/{out.pid}: {out.why}" for out in each.out_of_reach_for
            )
            or "-",
        }
        for each in found
    ]
    show_rows(
        rows, as_json=False, empty="This fleet calls no tools and no models.", columns=list(rows[0]) if rows else []
    )
