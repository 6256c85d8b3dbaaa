"""Every server is compared, whatever is the matter with another; what cannot be written leaves nothing behind."""

import sys
from pathlib import Path

import pytest
from tests.gateway.mcp_servers import PROGRAM

from remit.operations import check_locks, lock_server

pytestmark = pytest.mark.slow

SOUND = f"server: test\ncommand: [{sys.executable!r}, {PROGRAM!r}]\ntools: {{}}\n"


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "test.yaml").write_text(SOUND, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("content", ["server: another\ncommand: [x]\n", "[", "server: broken\n"])
async def test_a_tools_file_with_mistakes_hides_no_other_server(fleet: Path, content: str) -> None:
    (fleet / "tools" / "broken.yaml").write_text(content, encoding="utf-8")
    await lock_server(fleet, "test")
    broken, sound = await check_locks(fleet)
    assert (broken.server, broken.differs) == ("broken", True)
    assert "The tools file has mistakes" in broken.problem
    assert (sound.server, sound.differs, sound.problem) == ("test", False, "")


async def test_a_lock_file_that_cannot_be_written_leaves_nothing_behind(fleet: Path) -> None:
    (fleet / "tools" / "test.lock.json").mkdir()
    with pytest.raises(OSError, match="directory"):
        await lock_server(fleet, "test")
    assert sorted(path.name for path in (fleet / "tools").iterdir()) == ["test.lock.json", "test.yaml"]
