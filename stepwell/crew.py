"""Takes deliveries in hand: refuses what must not run, and runs the rest."""

from collections.abc import Mapping, Sequence

from stepwell.calls import Call, not_run
from stepwell.context import Context, Delivery, cancel
from stepwell.inventory import Admission, Inventory
from stepwell.loops import LoopRunner
from stepwell.mailbox import Mailbox, log
from stepwell.tasks import TaskFunction
from stepwell.threads import ThreadRunner

_ALREADY_RUN = "This worker has let go of the attempt and does not run it again."
_NOT_SERVED = "This worker does not serve the function {!r}."
_STOPPED = "The worker was stopped before the function ended."


class Crew:
    """Runs the functions of one worker."""

    def __init__(
        self,
        functions: Mapping[str, TaskFunction],
        inventory: Inventory,
        *,
        concurrency: int,
        mailbox: Mailbox,
    ) -> None:
        self._functions = functions
        self._inventory = inventory
        self._mailbox = mailbox
        self._threads = ThreadRunner(concurrency, mailbox.finish)
        self._loop = LoopRunner(concurrency, mailbox.finish)

    def accept(self, deliveries: Sequence[Delivery]) -> int:
        """Begin what is new; returns how many attempts that were."""
        plain: list[Call] = []
        on_loop: list[Call] = []
        for delivery in deliveries:
            call = self._call_for(delivery)
            if call is not None:
                self._inventory.admit(call)
                (on_loop if call.function.is_async else plain).append(call)
        if plain:
            self._threads.submit(plain)
        if on_loop:
            self._loop.submit(on_loop)
        return len(plain) + len(on_loop)

    def cancel(self, tokens: Sequence[str]) -> int:
        """Tell functions that nobody waits for them; returns how many learnt it now."""
        calls = [self._inventory.running.get(token) for token in tokens]
        running = [call for call in calls if call and not call.context.cancelled]
        for call in running:
            cancel(call.context)
            if call.function.is_async:
                self._loop.cancel(call)
        return len(running)

    def abandon(self) -> list[str]:
        """Give up what is in hand; returns the tokens that were never begun.

        A call that is cancelled here before it notes that it begins does not begin.
        """
        calls = list(self._inventory.running.values())
        self.cancel([call.token for call in calls])
        returned = [call.token for call in calls if not call.begun]
        self._inventory.retire(returned)
        for call in calls:
            if call.token in self._inventory.running:
                self._inventory.end(call.token, not_run(call.delivery, _STOPPED))
        return returned

    def close(self) -> None:
        """Stop the threads; functions that block theirs are left to the process."""
        self._threads.close()
        self._loop.close()

    def _call_for(self, delivery: Delivery) -> Call | None:
        admission = self._inventory.judge(delivery)
        if admission is Admission.NEW:
            function = self._functions.get(delivery["function"])
            if function is not None:
                return Call(function, delivery, Context(delivery, self._mailbox.beat))
            self._refuse(delivery, _NOT_SERVED.format(delivery["function"]))
        elif admission is Admission.RETIRED:
            self._refuse(delivery, _ALREADY_RUN)
        else:
            log.debug("delivery ignored (%s): %s", admission, delivery["token"])
        return None

    def _refuse(self, delivery: Delivery, why: str) -> None:
        log.warning("attempt %s refused: %s", delivery["attemptId"], why)
        self._inventory.refuse(delivery["token"], not_run(delivery, why))
        self._mailbox.finish(())  # there is something to report
