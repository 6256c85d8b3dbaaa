"""Has someone pulled a switch, taken a lock or a place, or hit a limit?"""

from remit.controls.controls import ROOM_SECONDS, Controls, is_place
from remit.controls.model import LOOKBACK, Switch, is_looping, parse_scope

__all__ = ["LOOKBACK", "ROOM_SECONDS", "Controls", "Switch", "is_looping", "is_place", "parse_scope"]
