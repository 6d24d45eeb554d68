"""The gate: which signed requests are let in, and as whom."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from psycopg import OperationalError
from structlog.testing import capture_logs

from api.access.callers import Caller
from api.access.keyring import Keyring
from api.access.signed import SignatureGate
from api.arns import Site
from api.errors import (
    IncompleteSignatureException,
    InvalidSignatureException,
    ServiceUnavailable,
    UnrecognizedClientException,
)
from api.http import Scope
from scheduler.clock import VirtualClock
from storage.access_keys import ActiveKey
from storage.master_keys import MasterKeys
from tests.support.signing import KEY_ID, SECRET, Signed, signed

MASTERS = MasterKeys([b"m" * 32])


class Shelf:
    """The stored keys, in memory; counts how often it is asked."""

    def __init__(self, *records: ActiveKey) -> None:
        self.records = {record.key_id: record for record in records}
        self.asked = 0
        self.is_away = False

    async def active(self, key_ids: Sequence[str]) -> list[ActiveKey]:
        self.asked += 1
        if self.is_away:
            raise OperationalError
        return [self.records[each] for each in key_ids if each in self.records]


def record(preset: str = "starter", secret: str = SECRET) -> ActiveKey:
    sealed = MASTERS.seal(secret, KEY_ID)
    return ActiveKey(
        key_id=KEY_ID, name="ada", preset=preset, policy=None, secret=sealed
    )


class Door:
    """A gate with its parts, at the present time."""

    def __init__(
        self, shelf: Shelf | None = None, shift: timedelta | None = None
    ) -> None:
        now = datetime.now(UTC) + (shift or timedelta())  # noqa: TID251 - botocore's time
        self.clock = clock = VirtualClock(now)
        self.shelf = shelf or Shelf(record())
        self.keyring = Keyring(self.shelf, MASTERS, Site(), clock)
        self.gate = SignatureGate(self.keyring, Site(), clock)

    async def enter(self, given: Signed) -> Caller:
        admission = await self.gate.admit(given.scope())
        return admission(given.body)

    async def look_after(self, duration: timedelta) -> None:
        self.clock.advance(duration)
        await self.keyring.look()


async def test_the_caller_is_the_owner_of_the_key_with_its_policy() -> None:
    caller = await Door().enter(signed())

    assert caller.arn == "arn:aws:iam::123456789012:user/ada"
    assert caller.may("states:StartExecution", Site().state_machine("orders"))
    assert not caller.may("states:StopExecution", Site().execution("orders", "x"))


@pytest.mark.parametrize(
    "key_id",
    [
        "SWKAAAAAAAAAAAAAAAAA",
        "AKIAIOSFODNN7EXAMPLE",
        "x' OR 1=1",
        "SWK" + "A" * 5_000,
    ],
    ids=lambda key_id: key_id[:20],
)
async def test_an_unknown_key_is_refused(key_id: str) -> None:
    with pytest.raises(
        UnrecognizedClientException,
        match=r"^The security token included in the request is invalid\.$",
    ):
        await Door().enter(signed(key_id=key_id))


async def test_a_wrong_signature_is_refused() -> None:
    by_another, elsewhere = signed(secret="wrong"), signed().with_header("host", b"x")

    for given in (by_another, elsewhere):
        with pytest.raises(InvalidSignatureException, match="does not match the sig"):
            await Door().enter(given)


@pytest.mark.parametrize(
    ("region", "service", "reason"),
    [
        ("eu-west-1", "states", "scoped to a valid region: us-east-1"),
        ("us-east-1", "lambda", "scoped to correct service: 'states'"),
        ("us-east-1", "s3", "scoped to correct service"),
    ],
)
async def test_a_signature_for_elsewhere_is_refused(
    region: str, service: str, reason: str
) -> None:
    with pytest.raises(InvalidSignatureException, match=reason):
        await Door().enter(signed(region=region, service=service))


@pytest.mark.parametrize("minutes", [-4.9, 4.9])
async def test_clocks_may_differ_by_five_minutes(minutes: float) -> None:
    door = Door(shift=timedelta(minutes=minutes))

    assert (await door.enter(signed())).key_id == KEY_ID


@pytest.mark.parametrize(
    ("minutes", "reason"), [(5.1, "Signature expired"), (-5.1, "not yet current")]
)
async def test_an_old_or_early_signature_is_refused(
    minutes: float, reason: str
) -> None:
    door = Door(shift=timedelta(minutes=minutes))

    with pytest.raises(InvalidSignatureException, match=f"{reason}.*5 min"):
        await door.enter(signed())


async def test_a_key_is_fetched_once() -> None:
    door = Door()

    for _ in range(3):
        await door.enter(signed())

    assert door.shelf.asked == 1


async def test_what_cannot_be_a_key_is_not_looked_for() -> None:
    door = Door()

    assert await door.keyring.find("nobody\x00") is None
    assert door.shelf.asked == 0


async def test_a_disabled_key_is_refused_and_what_it_began_is_ended() -> None:
    door = Door()
    caller = await door.enter(signed())
    door.shelf.records.clear()

    await door.keyring.look()

    assert caller.ended is not None
    assert caller.ended.is_given
    with pytest.raises(UnrecognizedClientException):
        await door.enter(signed())


async def test_a_key_disabled_while_a_body_arrives_is_refused() -> None:
    door, given = Door(), signed()
    admission = await door.gate.admit(given.scope())
    door.shelf.records.clear()
    await door.keyring.look()

    with pytest.raises(UnrecognizedClientException):
        admission(given.body)


async def test_a_key_with_another_policy_is_read_again() -> None:
    door = Door()
    await door.enter(signed())
    door.shelf.records[KEY_ID] = record("admin")

    await door.keyring.look()

    caller = await door.enter(signed())
    assert caller.may("states:StopExecution", Site().execution("orders", "x"))


async def test_what_lasts_under_a_changed_key_may_be_asked_for_again() -> None:
    door = Door()
    caller = await door.enter(signed())
    door.shelf.records[KEY_ID] = record("admin")

    await door.keyring.look()

    assert caller.ended is not None
    assert isinstance(caller.ended.error(), ServiceUnavailable)


async def test_a_key_that_is_only_encrypted_anew_goes_on() -> None:
    door = Door()
    caller = await door.enter(signed())
    door.shelf.records[KEY_ID] = record()

    await door.keyring.look()

    assert await door.enter(signed()) is caller


async def test_a_key_with_another_secret_is_read_again() -> None:
    door = Door()
    await door.enter(signed())
    door.shelf.records[KEY_ID] = record(secret="another")

    await door.keyring.look()

    with pytest.raises(InvalidSignatureException):
        await door.enter(signed())
    assert (await door.enter(signed(secret="another"))).key_id == KEY_ID


async def test_a_key_under_an_unknown_master_key_is_refused_and_logged_once() -> None:
    others = MasterKeys([b"x" * 32])
    door = Door(Shelf(replace(record(), secret=others.seal(SECRET, KEY_ID))))

    with capture_logs() as logs:
        for _ in range(2):
            with pytest.raises(UnrecognizedClientException, match="its log says why"):
                await door.enter(signed())

    (line,) = logs
    assert (
        f"under another master key, {others}, and there is {MASTERS}" in line["reason"]
    )


async def test_a_key_whose_policy_is_not_understood_is_refused() -> None:
    door = Door(Shelf(replace(record(), preset=None, policy='{"Version": "2031"}')))

    with capture_logs() as logs, pytest.raises(UnrecognizedClientException):
        await door.enter(signed())

    assert "the policy is refused" in logs[0]["reason"]


async def test_a_key_is_of_use_once_its_master_key_is_there() -> None:
    shelf = Shelf(replace(record(), secret=b"under no key"))
    door = Door(shelf)
    with pytest.raises(UnrecognizedClientException):
        await door.enter(signed())

    shelf.records[KEY_ID] = record()

    assert (await door.enter(signed())).key_id == KEY_ID


def scrape(
    secret: str = SECRET,
    key_id: str = KEY_ID,
    path: str = "/metrics",
    method: str = "GET",
) -> Scope:
    pair = b64encode(f"{key_id}:{secret}".encode())
    headers = [(b"host", b"localhost"), (b"authorization", b"Basic " + pair)]
    return {
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": headers,
    }


async def test_a_scraper_is_the_owner_of_the_key_whose_secret_it_says() -> None:
    admission = await Door().gate.admit(scrape())

    assert admission(b"").key_id == KEY_ID


@pytest.mark.parametrize(
    "asked",
    [
        scrape(secret="wrong"),
        scrape(secret=""),
        scrape(secret=SECRET + "x"),
        scrape(key_id="SWKAAAAAAAAAAAAAAAAA"),
        scrape(key_id="x' OR 1=1"),
    ],
)
async def test_a_wrong_secret_and_an_unknown_key_are_told_alike(asked: Scope) -> None:
    with pytest.raises(UnrecognizedClientException, match="token included in the"):
        await Door().gate.admit(asked)


@pytest.mark.parametrize(
    "asked",
    [
        scrape(path="/"),
        scrape(path="/metrics/"),
        scrape(path="//metrics"),
        scrape(path="/stepwell/v1/worker/poll", method="POST"),
        scrape(method="POST"),
    ],
)
async def test_nothing_but_a_scrape_is_admitted_without_a_signature(
    asked: Scope,
) -> None:
    with pytest.raises(IncompleteSignatureException):
        await Door().gate.admit(asked)


@pytest.mark.parametrize(
    "value", [b"Basic", b"Basic ?", b"basic c2hvcnQ=", b"Basic /w=="]
)
async def test_credentials_in_another_form_are_refused(value: bytes) -> None:
    asked = {**scrape(), "headers": [(b"authorization", value)]}

    with pytest.raises(IncompleteSignatureException):
        await Door().gate.admit(asked)


async def test_two_secrets_are_none() -> None:
    asked = scrape()

    with pytest.raises(IncompleteSignatureException, match="once"):
        await Door().gate.admit({**asked, "headers": asked["headers"] * 2})


async def test_a_scraper_whose_key_was_disabled_is_refused() -> None:
    door = Door()
    await door.gate.admit(scrape())
    door.shelf.records.clear()

    await door.keyring.look()

    with pytest.raises(UnrecognizedClientException):
        await door.gate.admit(scrape())


async def test_scrapes_go_on_while_the_database_is_away() -> None:
    door = Door()
    await door.gate.admit(scrape())
    door.shelf.is_away = True
    await door.look_after(timedelta(seconds=11))
    await door.look_after(timedelta(seconds=11))

    admission = await door.gate.admit(scrape())

    assert admission(b"").key_id == KEY_ID
    with pytest.raises(UnrecognizedClientException):
        await door.gate.admit(scrape(secret="wrong"))
    with pytest.raises(ServiceUnavailable):
        await door.enter(signed())


async def test_a_key_disabled_meanwhile_scrapes_no_more_once_the_database_is_back() -> (
    None
):
    door = Door()
    await door.gate.admit(scrape())
    door.shelf.is_away = True
    await door.look_after(timedelta(seconds=11))
    door.shelf.is_away = False
    door.shelf.records.clear()

    await door.keyring.look()

    with pytest.raises(UnrecognizedClientException):
        await door.gate.admit(scrape())


async def test_keys_are_forgotten_when_the_database_is_away_for_long() -> None:
    door = Door()
    caller = await door.enter(signed())
    door.shelf.is_away = True

    await door.look_after(timedelta(seconds=5))
    assert await door.enter(signed()) is caller

    await door.look_after(timedelta(seconds=6))
    assert caller.ended is not None
    assert caller.ended.is_given
    assert isinstance(caller.ended.error(), ServiceUnavailable)
    with pytest.raises(ServiceUnavailable):
        await door.enter(signed())


async def test_a_look_leaves_what_has_not_changed() -> None:
    door = Door()
    caller = await door.enter(signed())

    await door.keyring.look()

    assert (await door.enter(signed())) is caller
