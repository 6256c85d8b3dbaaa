"""Has someone pulled a switch, taken a lock, or hit a limit?"""

from remit.controls.controls import Controls
from remit.controls.model import LOOKBACK, Switch, is_looping, parse_scope

__all__ = ["LOOKBACK", "Controls", "Switch", "is_looping", "parse_scope"]
