"""Tags: set, remove, list; and as creations bring them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NoReturn

from api.arns import parse_arn
from api.context import Api
from api.errors import ResourceNotFound, TooManyTags, ValidationException
from api.requests import ListTagsForResource, TagResource, UntagResource
from api.shapes import missing_member
from api.wire import Response
from storage.tags import TaggedResourceMissingError, TooManyTagsError

_TAGGED: Final = ("stateMachine", "activity")
_RESERVED: Final = "aws:"


async def tag_resource(api: Api, request: TagResource) -> Response:
    """Set tags of a resource."""
    arn = _tagged(request.resource_arn)
    tags = checked_tags(api, arn, request.tags)
    try:
        await api.tags.put(arn, tags)
    except TaggedResourceMissingError:
        _refuse_missing(arn)
    except TooManyTagsError:
        _refuse_too_many(api, arn)
    return {}


async def untag_resource(api: Api, request: UntagResource) -> Response:
    """Remove tags of a resource."""
    arn = _tagged(request.resource_arn)
    try:
        await api.tags.remove(arn, request.tag_keys)
    except TaggedResourceMissingError:
        _refuse_missing(arn)
    return {}


async def list_tags_for_resource(api: Api, request: ListTagsForResource) -> Response:
    """Show the tags of a resource."""
    arn = _tagged(request.resource_arn)
    try:
        tags = await api.tags.of(arn)
    except TaggedResourceMissingError:
        _refuse_missing(arn)
    return {"tags": [{"key": key, "value": value} for key, value in tags.items()]}


def checked_tags(
    api: Api, arn: str, given: Sequence[dict[str, str]] | None
) -> dict[str, str]:
    """Return tags by key; refuse too many, and keys that users may not set."""
    tags = {}
    for position, tag in enumerate(given or (), start=1):
        key = tag.get("key")
        if key is None:
            path = f"tags.{position}.member.key"
            raise missing_member(path)
        if key.lower().startswith(_RESERVED):
            raise ValidationException("Tag keys that begin with aws: are reserved")
        tags[key] = tag.get("value", "")
    if len(tags) > api.limits.tags_per_resource:
        _refuse_too_many(api, arn)
    return tags


def _tagged(text: str) -> str:
    arn = parse_arn(text, *_TAGGED)
    if arn.qualifier is not None or arn.label is not None:
        _refuse_missing(text)
    return text


def _refuse_missing(arn: str) -> NoReturn:
    msg = f"Resource not found: '{arn}'"
    raise ResourceNotFound(msg, resourceName=arn)


def _refuse_too_many(api: Api, arn: str) -> NoReturn:
    most = api.limits.tags_per_resource
    msg = f"A resource may have {most} tags at most: '{arn}'"
    raise TooManyTags(msg, resourceName=arn)
