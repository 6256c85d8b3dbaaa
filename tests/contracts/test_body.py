"""Steps and edge cases are read from the body; what cannot be read is told with its line."""

import pytest

from remit.contracts.body import Body, read_body


def body(text: str) -> Body:
    return read_body(text, file="x.agent.md", before=10)


def test_steps_carry_tool_condition_inputs_text_and_line() -> None:
    found = body(
        "# Desk\n\n## Steps\nFirst this:\n"
        "1. `shop__get_order` with `order_id = input.order` — find it\n"
        "2. model if `status != 'lost'`, with `hint = steps.1.note.text` - decide\n"
        "   in two sentences.\n"
        "3. `shop__close`\n\nThen nothing.\n## Notes\n1. `not__a_step`\n"
    )
    assert found.findings == ()
    first, second, third = found.steps
    assert (first.tool, first.inputs, first.text, first.line) == (
        "shop__get_order", {"order_id": "input.order"}, "find it", 15,
    )  # fmt: skip
    assert second.is_model
    assert (second.when, second.inputs, second.text) == (
        "status != 'lost'", {"hint": "steps.1.note.text"}, "decide in two sentences.",
    )  # fmt: skip
    assert (third.number, third.text) == (3, "")


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        ("1. find the order", "A step begins with a tool's name in backticks, with model, or with handoff"),
        ("2. model", "Step 2 stands where 1 is expected"),
        ("1. `a__b` when `x` — y", "Cannot read 'when `x` — y'"),
        ("1. `a__b` if `x ==` — y", "Not a condition 'x =='"),
        ("1. `a__b` with `x = 3` — y", "'x = 3' gives no argument a value"),
        ("1. `a__b` with `x = y`, `x = z` — y", "The argument 'x' is given twice"),
    ],
)
def test_a_step_that_cannot_be_read_is_told(step: str, problem: str) -> None:
    (found,) = body(f"## Steps\n{step}\n").findings
    assert (found.file, found.line) == ("x.agent.md", 12)
    assert problem in found.problem


def test_headings_in_code_are_no_headings() -> None:
    found = body("```\n## Steps\n1. what\n```\n## Steps\n1. model\n")
    assert (len(found.steps), found.findings) == (1, ())


def test_a_section_stands_once() -> None:
    (found,) = body("## Steps\n1. model\n## Steps\n1. model\n").findings
    assert (found.line, found.problem) == (13, "A second section 'steps'")


def test_edge_cases_are_a_table() -> None:
    found = body(
        "## Edge cases\n| Case | id | when | then |\n|:--|---|---|--:|\n"
        "| `c.yaml#one` | `e1` | a \\| b | c |\n| | e2 | d | e |\n"
    )
    assert found.findings == ()
    first, second = found.edge_cases
    assert (first.id, first.when, first.then, first.case, first.line) == ("e1", "a | b", "c", "c.yaml#one", 14)
    assert second.case == ""


@pytest.mark.parametrize(
    ("table", "line", "problem"),
    [
        ("| id | when | then | who |\n|-|-|-|-|\n", 12, "There is no column 'who'"),
        ("| id | when |\n|-|-|\n", 12, "The column 'then' is missing"),
        ("| id | when | then |\n|-|-|-|\n| e1 | a |\n", 14, "The row has 2 cells, the table 3 columns"),
        (
            "| id | when | then |\n|-|-|-|\n| e1 | a | b |\n| e1 | c | d |\n",
            15,
            "The id stands here twice; first in line 14",
        ),
        ("| id | when | then |\n|-|-|-|\n|  | a | b |\n", 14, "The row has no id"),
    ],
)
def test_a_table_that_cannot_be_read_is_told(table: str, line: int, problem: str) -> None:
    (found,) = body(f"## Edge cases\n{table}").findings
    assert (found.line, found.problem) == (line, problem)
