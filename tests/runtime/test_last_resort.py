"""A process that others may have taken over comes to its end, whatever hangs in it."""

import subprocess
import sys
import threading
import time

from remit.runtime.last_resort import LastResort

HANGING = """
import time
from remit.runtime.last_resort import LastResort, end_at_once
LastResort(lambda: "it was cut off", end_at_once, seconds=0.05).arm()
time.sleep(60)
"""


def test_who_hangs_after_others_may_have_taken_over_is_ended() -> None:
    told, ended = list[str](), threading.Event()

    def end(why: str) -> None:
        told.append(why)
        ended.set()

    began, why = time.monotonic(), list[str]()
    resort = LastResort(lambda: "".join(why), end, seconds=0.1)
    resort.arm()
    assert not ended.wait(0.3), "as long as all is well, nothing happens"
    why.append("it was frozen")
    assert ended.wait(5)
    assert (told, time.monotonic() - began > 0.4) == (["it was frozen"], True)


def test_who_comes_to_its_end_in_time_is_left_alone() -> None:
    told, looked = list[str](), threading.Event()

    def fault() -> str:
        looked.set()
        return "it was frozen"

    resort = LastResort(fault, told.append, seconds=0.1)
    resort.arm()
    assert looked.wait(5)
    resort.disarm()
    time.sleep(0.3)
    assert told == []


def test_a_process_that_hangs_ends_with_an_error_and_says_why() -> None:
    ended = subprocess.run([sys.executable, "-c", HANGING], capture_output=True, text=True, timeout=30, check=False)
    assert (ended.returncode, "stopped itself" in ended.stderr, "cut off" in ended.stderr) == (1, True, True)
