"""Who makes a request, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from api.access.policies import Policy
from api.errors import AccessDeniedException
from api.polls import Dismissal
from runtime.principal import Principal

_ARN_PARTS: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Somebody who was admitted. One without a policy may do everything.

    `ended` is given when the key was withdrawn, for what lasts longer than a request.
    """

    arn: str
    account: str = ""
    key_id: str | None = None
    name: str = ""
    policy: Policy | None = None
    ended: Dismissal | None = None

    @property
    def principal(self) -> Principal | None:
        """What the log keeps of whoever signed; None: nothing was signed."""
        return None if self.key_id is None else Principal(self.key_id, self.name)

    def may(self, action: str, resource: str) -> bool:
        """Tell whether an action may be taken on a resource: never on another account's."""
        if self.policy is None:
            return True
        return not self._is_foreign(resource) and self.policy.allows(action, resource)

    def require(self, action: str, resource: str) -> None:
        """Return, or raise AccessDeniedException: the same, whatever is there."""
        if not self.may(action, resource):
            raise denial(self.arn, action, resource)

    def require_anywhere(self, action: str) -> None:
        """Return if an action may be taken on any resource at all."""
        if self.policy is not None and not self.policy.mentions(action):
            raise denial(self.arn, action, "*")

    def own(self, name: str) -> str:
        """Return a name that a caller gave to something of its own, kept apart by key."""
        principal = self.principal
        return name if principal is None else principal.own(name)

    def _is_foreign(self, resource: str) -> bool:
        parts = resource.split(":", _ARN_PARTS - 1)
        return (
            len(parts) == _ARN_PARTS
            and parts[2] == "states"
            and parts[4] not in ("", self.account)
        )


# Whoever reaches a server without authentication.
ANYBODY: Final = Caller(arn="anybody")


def denial(arn: str, action: str, resource: str) -> AccessDeniedException:
    """Return the refusal as AWS words it."""
    return AccessDeniedException(
        f"User: {arn} is not authorized to perform: {action} on resource: {resource}"
        f" because no identity-based policy allows the {action} action"
    )
