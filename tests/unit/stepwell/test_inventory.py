"""The promises about tokens and epochs."""

from stepwell.calls import Call
from stepwell.context import Context
from stepwell.inventory import Admission, Inventory
from stepwell.tasks import task_function
from tests.unit.stepwell.scripted_server import delivery


def work(event: object) -> None: ...


def call_of(token: str) -> Call:
    handed = delivery(token)
    return Call(task_function(work), handed, Context(handed, lambda token: None))


def test_a_token_in_hand_is_a_duplicate() -> None:
    token, inventory = "t1", Inventory()
    inventory.admit(call_of(token))

    running = inventory.judge(delivery(token))
    inventory.end(token, b"{}")
    ended = inventory.judge(delivery(token))

    assert (running, ended) == (Admission.DUPLICATE, Admission.DUPLICATE)
    assert inventory.tokens() == ["t1"]


def test_a_token_let_go_of_is_retired() -> None:
    inventory = Inventory()
    inventory.admit(call_of("t1"))
    inventory.end("t1", b"{}")
    inventory.retire(["t1"])

    assert inventory.judge(delivery("t1")) is Admission.RETIRED
    assert inventory.is_empty


def test_only_the_first_end_counts() -> None:
    inventory = Inventory()
    inventory.admit(call_of("t1"))
    inventory.end("t1", b"first")
    inventory.end("t1", b"second")
    inventory.retire(["t1"])
    inventory.end("t1", b"third")

    assert inventory.is_empty


def test_memory_is_bounded_and_holds_the_newest() -> None:
    inventory = Inventory(remembered=100)
    tokens = [f"t{number}" for number in range(1000)]
    for token in tokens:
        inventory.retire([token])

    remembered = [
        token
        for token in tokens
        if inventory.judge(delivery(token)) is Admission.RETIRED
    ]

    assert 50 <= len(remembered) <= 100
    assert remembered == tokens[-len(remembered) :]


def test_an_epoch_never_goes_back_on_its_shard() -> None:
    inventory = Inventory()

    judged = [
        inventory.judge(delivery("t", shard=shard, epoch=epoch))
        for shard, epoch in [(1, 5), (1, 4), (2, 4), (1, 5), (1, 6), (1, 5)]
    ]

    new, stale = Admission.NEW, Admission.STALE
    assert judged == [new, stale, new, new, new, stale]
