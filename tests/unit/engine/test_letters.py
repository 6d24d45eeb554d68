"""Stimuli written as rows and read back are the same, their payloads to the letter."""

from __future__ import annotations

from dataclasses import replace

import pytest

from asl.payload import Payload
from engine.letters import body_of, caller_of, kind_of, stimulus_of
from runtime import stimuli as st
from runtime.principal import Principal

ADA = Principal("SWKADA", "ada")
AWKWARD = [
    '{"n": 1.0, "m": 1e5 ,"big":123456789012345678901234567890}',
    '{"a":1,"a":2}',
    "[1,\n 2]",
    '"},\\"output\\":{"',
    '{"task":9,"output":{}}',
    '"\\ud800"',
    '"\\u00e9 é"',
    "null",
]


@pytest.mark.parametrize("kind", [st.WorkerReturned, st.CallbackSucceeded])
@pytest.mark.parametrize("text", AWKWARD)
def test_output_keeps_its_spelling(
    kind: type[st.WorkerReturned | st.CallbackSucceeded], text: str
) -> None:
    sent = kind(7, Payload.of_text(text))

    read = stimulus_of(kind_of(sent), body_of(sent))

    assert read == sent
    assert isinstance(read, kind)
    assert read.output.text == text


@pytest.mark.parametrize(
    "sent",
    [
        st.Begin(),
        st.Continue(),
        st.WorkerRaised(3, "Broken", 'a "cause" with é'),
        st.WorkerRaised(3, None, None),
        st.CallbackFailed(3, "No", None),
        st.TaskClaimed(3, "session"),
        st.WorkerLost(3, "session"),
        st.Heartbeat(3),
        st.Stop("E", None),
    ],
    ids=lambda sent: type(sent).__name__,
)
def test_stimulus_is_read_as_it_was_written(sent: st.Stimulus) -> None:
    assert stimulus_of(kind_of(sent), body_of(sent)) == sent


@pytest.mark.parametrize(
    "sent",
    [
        st.WorkerReturned(3, Payload.of_text('{"n": 1.0}'), ADA),
        st.WorkerRaised(3, "Broken", None, ADA),
        st.CallbackSucceeded(3, Payload.of_text('{"n": 1.0}'), ADA),
        st.CallbackFailed(3, "No", None, ADA),
        st.Stop("E", None, ADA),
        st.Redrive("token", ADA),
    ],
    ids=lambda sent: type(sent).__name__,
)
def test_caller_travels_beside_the_body_which_older_engines_read(
    sent: st.OfCaller,
) -> None:
    kind, body, caller = kind_of(sent), body_of(sent), caller_of(sent)

    assert caller is not None
    assert stimulus_of(kind, body, caller) == sent
    assert stimulus_of(kind, body) == replace(sent, caller=None)
    assert body == body_of(replace(sent, caller=None))


def test_nobody_travels_with_a_stimulus_that_nobody_signed() -> None:
    assert caller_of(st.Stop("E", None)) is None
    assert caller_of(st.Begin()) is None
