"""Which stages of the data flow are shown for which state."""

from __future__ import annotations

from tests.support.trials import PROCESSOR, each, stages, subject, task, tried


def test_task_shows_every_stage_even_those_it_does_not_mention() -> None:
    found = tried(task(ResultSelector={"y.$": "$.x"}), {"a": 1}, result={"x": 2})

    assert stages(found) == {
        "afterInputPath": {"a": 1},
        "afterParameters": {"a": 1},
        "result": {"x": 2},
        "afterResultSelector": {"y": 2},
        "afterResultPath": {"y": 2},
    }


def test_failed_stage_and_what_comes_after_it_are_not_shown() -> None:
    found = tried(task(Parameters={"b.$": "$.missing"}), {"a": 1}, result={})

    assert stages(found) == {"afterInputPath": {"a": 1}}


def test_failed_result_stage_leaves_the_result() -> None:
    found = tried(task(ResultSelector={"y.$": "$.missing"}), {}, result={"x": 2})

    assert stages(found)["result"] == {"x": 2}
    assert "afterResultSelector" not in stages(found)
    assert "afterResultPath" not in stages(found)


def test_pass_with_a_fixed_result_shows_no_input_stages() -> None:
    found = tried(subject(Type="Pass", Result=1, ResultPath="$.r", End=True), {})

    assert stages(found) == {
        "result": 1,
        "afterResultSelector": 1,
        "afterResultPath": {"r": 1},
    }


def test_pass_without_one_shows_no_result() -> None:
    found = tried(subject(Type="Pass", InputPath="$.a", End=True), {"a": 1})

    assert set(stages(found)) == {
        "afterInputPath",
        "afterParameters",
        "afterResultSelector",
        "afterResultPath",
    }


def test_parallel_shows_only_what_follows_its_result() -> None:
    state = subject(Type="Parallel", Branches=[PROCESSOR], InputPath="$.a", End=True)

    found = tried(state, {"a": 1}, result=[2])

    assert stages(found) == {"afterResultSelector": [2], "afterResultPath": [2]}


def test_succeed_shows_its_input_path() -> None:
    found = tried(subject(Type="Succeed", InputPath="$.a"), {"a": 1})

    assert stages(found) == {"afterInputPath": 1}


def test_jsonata_shows_arguments_and_result_of_a_task_only() -> None:
    asked = task(QueryLanguage="JSONata", Arguments={"n": "{% $states.input.a %}"})
    passed = subject(Type="Pass", QueryLanguage="JSONata", Output=1, End=True)

    assert stages(tried(asked, {"a": 1}, result={})) == {
        "afterArguments": {"n": 1},
        "result": {},
    }
    assert stages(tried(passed)) == {}


def test_map_whose_items_are_no_list_shows_no_numbers() -> None:
    found = tried(each(ItemsPath="$.a"), {"a": 1}, result=[])

    assert stages(found) == {"afterInputPath": {"a": 1}}
    assert found.inspection.numbers == {}
