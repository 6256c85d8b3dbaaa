"""The pages of questions to people: the queue, one question, and every way to answer."""

from pathlib import Path

from tests.gateway.desk import ANN, CARA, OLGA, TINA, TOM, Desk, Till, begin, tools
from tests.runtime.test_hosted import POLITE, REFINED, RUDE
from tests.runtime.workshop import Script, open_workshop, work
from tests.web.pages.visit import BIGGEST, OPAL, VERA, House, Page, Visitor, house_of, open_house

from remit.approvals import Approval

LARGE, HUGE, GIANT = (f"Please refund {amount}.00 of my order R-2." for amount in (450, 900, 5500))


async def asked(house: House, message: str = LARGE, *, on_behalf_of: str = ANN) -> Approval:
    """Returns the question of a new run."""
    run = await house.work(message, order="R-2", on_behalf_of=on_behalf_of)
    return house.cell.parts.approvals.of_run(run)[0]


async def at(visitor: Visitor, question: Approval) -> Page:
    """Returns a question's page."""
    return await visitor.get(f"/approvals/{question.id}")


async def test_the_queue_shows_what_is_asked_for_whom_and_of_whom(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(CARA) as cara:
        assert "Nobody is asked anything" in (await cara.get("/approvals")).text
        mine, other = await asked(house), await asked(house, GIANT)
        page = await cara.get("/approvals")

        for told in ("amount 450 EUR", "order_id R-2", "medium risk", ANN, "care-lead, or 2 × treasurer", "expires", "may it?",
                     "a person does it", "it takes one of the roles treasurer"):  # fmt: skip
            assert told in page.text, told
        assert {f"/approvals/{mine.id}", f"/approvals/{other.id}"} <= set(page.links)
        page = await cara.get("/approvals?mine=yes")
        assert f"/approvals/{mine.id}" in page.links
        assert f"/approvals/{other.id}" not in page.links
        assert "No question is carried out" in (await cara.get("/approvals?state=used")).text


async def test_a_question_has_its_whole_context_on_one_page(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(CARA) as cara:
        page = await at(cara, await asked(house))

        for told in ("refund-desk@1.0.0 asks to use shop__issue_refund for ann@shop.example. May it?", "450", "R-2",
                     "human-in-the-loop", "0.9", "the customer asks for it", "delivered yes", "at most 60 calls in 60 s",
                     "Still needed: care-lead, or 2 × treasurer", "Cara Lead", "they own the agent",
                     "agents/refund-desk.agent.md:23", "shop__get_order", LARGE, "and its proof", "Fingerprint"):  # fmt: skip
            assert told in page.text, told


async def test_a_viewer_sees_the_question_and_not_its_content(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(VERA) as vera:
        question = await asked(house)
        for path in (f"/approvals/{question.id}", "/approvals"):
            page = await vera.get(path)
            assert "not shown to your role" in page.text.lower()
            assert "R-2" not in page.html
            assert "the customer asks" not in page.html
            assert not [form for form in page.forms if form.method == "post" and form.action.startswith(path + "/a")]
        answer = {"csrf": page.form("/logout").values["csrf"], "seen": "", "because": "x"}
        for way in ("approve", "reject", "edit"):
            response = await vera.client.post(f"/approvals/{question.id}/{way}", data={**answer, "arg": "{}"})
            assert response.status_code in (403, 422)
        assert house.cell.parts.approvals.get(question.id).state == "pending"


async def test_a_yes_lets_the_run_go_on(tmp_path: Path) -> None:
    till = Till()
    async with open_house(tmp_path, server=till) as house, house.visitor(CARA) as cara:
        question = await asked(house)
        page = await cara.send(await at(cara, question), f"/approvals/{question.id}/approve", because="order checked")
        assert "Your yes is on the record." in page.text
        assert "order checked" in page.text
        assert not page.has_form(f"/approvals/{question.id}/approve")

        await house.drive(question.run)
        assert till.amounts == [450]


async def test_a_question_is_passed_on_to_whom_else_it_may_go(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(CARA) as cara:
        question = await asked(house)
        action = f"/approvals/{question.id}/escalate"
        told = await cara.send(await at(cara, question), action, to="treasurer", because=" ", status=422)
        assert "takes a reason" in told.text
        page = await cara.send(told, action, to="treasurer", because="not mine to say")
        assert "It is passed on." in page.text
        assert "You may not answer" in page.text
        assert house.cell.parts.approvals.get(question.id).roles == ("treasurer",)


async def test_a_no_takes_a_reason_and_is_kept(tmp_path: Path) -> None:
    till = Till()
    async with open_house(tmp_path, server=till) as house, house.visitor(CARA) as cara:
        question = await asked(house)
        action = f"/approvals/{question.id}/reject"
        told = await cara.send(await at(cara, question), action, because="", status=422)
        assert "takes a reason" in told.text
        page = await cara.send(told, action, because="the order is odd")
        assert "rejected" in page.text

        await house.drive(question.run)
        assert till.amounts == []


async def test_whoever_answered_is_not_told_that_somebody_else_did(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(CARA) as cara:
        question = await asked(house)
        address = f"/approvals/{question.id}"
        before = await at(cara, question)
        assert f'hx-get="{address}?seen=' in before.html
        page = await cara.send(before, f"{address}/approve", because="order checked")
        assert "Reason: order checked" in page.text
        assert f'hx-get="{address}"' in page.html, "it goes on by itself, and holds nothing against what was looked at"
        assert 'id="looked-at">' in page.html

        await house.drive(question.run)
        done = await cara.get(address)
        assert "has been carried out" in done.text
        assert "since the page was loaded" not in done.text


async def test_an_edit_is_shown_before_it_is_sent(tmp_path: Path) -> None:
    till = Till()
    async with open_house(tmp_path, server=till) as house, house.visitor(CARA) as cara:
        question = await asked(house)
        action = f"/approvals/{question.id}/edit"
        page = await at(cara, question)
        assert page.form(action).values["arg.order_id"] == "R-2"
        typed = {"arg.amount": "300", "because": "only a part came back", "step": "look"}
        look = await cara.send_values(page, action, typed, status=200)

        assert "amount 450 300" in look.text
        assert house.cell.parts.approvals.get(question.id).state == "pending", "nothing is sent yet"
        done = await cara.send(look, action, step="send")
        assert "Your edit is on the record." in done.text
        await house.drive(question.run)
        assert till.amounts == [300]


async def test_what_a_form_says_was_shown_is_bounded_in_depth(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(CARA) as cara:
        question = await asked(house)
        typed = {"seen": "000000000000", "shown": '{"a":' * 20_000, "because": "no"}
        action = f"/approvals/{question.id}/reject"
        told = await cara.send_values(await at(cara, question), action, typed, status=409)
        assert "It is not what you looked at any more" in told.text


async def test_an_edit_that_does_not_fit_keeps_every_word(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(CARA) as cara:
        question = await asked(house)
        action = f"/approvals/{question.id}/edit"
        typed = {"arg.amount": "-3", "arg.why": "my own words", "because": "for a reason", "step": "look"}
        told = await cara.send_values(await at(cara, question), action, typed, status=422)

        values = told.form(action).values
        assert (values["arg.amount"], values["arg.why"]) == ("-3", "my own words")
        assert values["because"] == "for a reason"
        assert "has-error" in told.html

        same = await cara.send_values(await at(cara, question), action, {"because": "x", "step": "look"}, status=422)
        assert "Nothing is changed" in same.text


async def test_whoever_looked_at_something_else_is_told_what_changed_and_keeps_their_words(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        question = await asked(house, HUGE)  # two treasurers
        async with house.visitor(TOM) as tom, house.visitor(TINA) as tina:
            seen = await at(tom, question)
            edited = {"arg.amount": "800", "because": "less", "step": "look"}
            look = await tina.send_values(
                await at(tina, question), f"/approvals/{question.id}/edit", edited, status=200
            )
            await tina.send(look, f"/approvals/{question.id}/edit", step="send")

            late = await tom.send(seen, f"/approvals/{question.id}/approve", because="looks fine", status=409)
            assert "not what you looked at" in late.text
            assert "amount 900 800" in late.text
            assert late.form(f"/approvals/{question.id}/approve").values["because"] == "looks fine"

            mine = {"arg.amount": "700", "because": "even less", "step": "look"}
            late_edit = await tom.send_values(seen, f"/approvals/{question.id}/edit", mine, status=409)
            assert "amount 800 700" in late_edit.text
            assert late_edit.form(f"/approvals/{question.id}/edit").values["because"] == "even less"
            forged = {**mine, "step": "send"}
            await tom.send_values(seen, f"/approvals/{question.id}/edit", forged, status=409)
            stale = await tom.get(f"/approvals/{question.id}?seen={question.digest.partition(':')[2][:12]}")
            assert "was changed since" in stale.text
            assert house.cell.parts.approvals.get(question.id).state == "pending"

            page = await tom.send(late, f"/approvals/{question.id}/approve", because="looks fine")
            assert "Your yes is on the record." in page.text


async def test_a_quorum_says_whose_yes_is_missing(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(TOM) as tom:
        question = await asked(house, HUGE)
        page = await at(tom, question)
        assert "Still needed: 2 × treasurer" in page.text
        page = await tom.send(page, f"/approvals/{question.id}/approve", because="fine")

        assert "Still needed: treasurer" in page.text
        assert "tom.treasurer@shop.example approve" in page.text


async def test_two_who_answer_at_once_do_not_both_count(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(CARA) as one, house.visitor(CARA) as other:
        question = await asked(house)
        first, second = await at(one, question), await at(other, question)
        await one.send(first, f"/approvals/{question.id}/approve")
        late = await other.send(second, f"/approvals/{question.id}/reject", because="no", status=403)

        assert f"{CARA} approved it first" in late.text


async def test_a_proposal_is_done_by_a_person_in_their_own_name(tmp_path: Path) -> None:
    till = Till()
    async with open_house(tmp_path, server=till) as house, house.visitor(TOM) as tom:
        question = await asked(house, GIANT)
        page = await at(tom, question)
        assert "runs now in your name" in page.text
        assert "Do it myself, through the gateway" in page.text
        await tom.send(page, f"/approvals/{question.id}/approve")
        late = await tom.send(page, f"/approvals/{question.id}/approve", status=409)
        assert f"{TOM} did it first" in late.text

        assert till.amounts == [5500]
        assert till.effects[0].agent == TOM
        run = await tom.get(f"/runs/{question.run}")
        assert f"by {TOM}" in run.text
        assert "human-led" in run.text


async def test_a_person_may_do_it_otherwise(tmp_path: Path) -> None:
    till = Till()
    async with open_house(tmp_path, server=till) as house, house.visitor(TOM) as tom:
        question = await asked(house, GIANT)
        typed = {"arg.amount": "5200", "because": "a part", "step": "look"}
        look = await tom.send_values(await at(tom, question), f"/approvals/{question.id}/edit", typed, status=200)
        await tom.send(look, f"/approvals/{question.id}/edit", step="send")

        assert till.amounts == [5200]


async def test_options_stand_with_their_consequences(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(TOM) as tom:
        value = {"order_id": "R-2", "message": "please"}
        started = await house.cell.operations.submit("refund-desk", value, on_behalf_of=ANN)
        desk = Desk(house.cell, await begin(house.cell, started.run), None)
        options = ({"option": "a voucher", "consequence": "cheaper, and Ann may be cross"},)
        question = desk.question(await desk.refund(6_000, order="R-2", alternatives=options))
        page = await at(tom, question)

        assert "a voucher" in page.text
        assert "cheaper, and Ann may be cross" in page.text
        assert "Whichever you choose, you do it" in page.text


async def test_what_nobody_knows_is_asked_as_such(tmp_path: Path) -> None:
    edit = tools(("    idempotent: true\n", ""))
    async with open_house(tmp_path, server=Till(failures=1), edit=edit) as house, house.visitor(CARA) as cara:
        run = await house.work("Please refund 20.00 of my order R-1.")
        question = house.cell.parts.approvals.of_run(run)[0]
        page = await at(cara, question)

        assert "Did it happen?" in page.text
        assert "It did not happen" in page.text
        assert not page.has_form(f"/approvals/{question.id}/edit")
        page = await cara.send(page, f"/approvals/{question.id}/approve", because="the bank's list says so")
        assert "Your yes is on the record." in page.text


async def test_an_answer_of_an_agent_is_corrected_within_its_schema(tmp_path: Path) -> None:
    async with open_workshop(tmp_path, model=Script(*RUDE), more=REFINED, edit=POLITE) as cell:
        house = house_of(cell)
        run = await work(cell)
        question = cell.parts.approvals.of_run(run.id)[0]
        async with house.visitor(CARA) as cara:
            page = await at(cara, question)
            assert "What would stand" in page.text
            assert "May it stand?" in page.text
            typed = {"arg.text": "a please from me", "because": "kinder", "step": "look"}
            look = await cara.send_values(page, f"/approvals/{question.id}/edit", typed, status=200)
            assert "a please from me" in look.text
            await cara.send(look, f"/approvals/{question.id}/edit", step="send")
        done = await cell.operations.drive(run.id)
        assert cell.parts.journal.content(done.output or "")["text"] == "a please from me"


async def test_several_of_one_kind_are_answered_together_and_each_by_itself(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(CARA) as cara:
        questions = [await asked(house) for _ in range(3)]
        page = await cara.get("/approvals")
        picks = [f"{each.id}:{each.digest.partition(':')[2][:12]}" for each in questions[:2]]
        stale = f"{questions[2].id}:000000000000"
        done = await cara.send_values(
            page, "/approvals/answers", {"pick": [*picks, stale], "answer": "approve", "because": "checked"}, status=200
        )

        assert "not what you looked at" in done.text
        states = [house.cell.parts.approvals.get(each.id).state for each in questions]
        assert states[2] == "pending"
        assert set(states[:2]) <= {"approved", "used"}
        assert [house.cell.parts.approvals.votes(each.id)[0].reason for each in questions[:2]] == ["checked"] * 2


async def test_a_batch_that_cannot_be_answered_leaves_everything_as_it_was(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(TOM) as tom:
        one, other, proposal = await asked(house, HUGE), await asked(house, HUGE), await asked(house, GIANT)
        page = await tom.get("/approvals")
        cases: tuple[tuple[list[Approval], str, str], ...] = (
            ([], "approve", "none is picked"),
            ([one, proposal], "approve", "of several kinds"),
            ([proposal], "approve", "answered one by one"),
            ([one], "reject", "takes a reason"),
            ([one], "edit", "no such answer"),
        )
        for picked, answer, why in cases:
            picks = [f"{each.id}:{each.digest.partition(':')[2][:12]}" for each in picked]
            typed = {"pick": picks, "answer": answer, "because": ""}
            told = await tom.send_values(page, "/approvals/answers", typed, status=422)
            assert why in told.text.lower()
            assert told.html.count(" checked>") == sum(each is not proposal for each in picked), "ticks are kept"
        assert all(not house.cell.parts.approvals.votes(each.id) for each in (one, other, proposal))


async def test_who_may_not_answer_is_told_why(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(OLGA) as olga, house.visitor(OPAL) as opal:
        question = await asked(house)

        assert "You may not answer: they own the agent" in (await at(olga, question)).text
        assert "You may not answer: your role answers nothing here" in (await at(opal, question)).text


async def test_fifty_questions_fit_into_a_page(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.visitor(CARA) as cara:
        for number in range(51):
            await asked(house, on_behalf_of=f"customer{number}@shop.example")
        page = await cara.get("/approvals")

        assert page.html.count('class="question ') == 50
        assert len(page.html.encode()) <= BIGGEST
        assert any("after=" in link for link in page.links)
