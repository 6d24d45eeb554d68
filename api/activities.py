"""Activities: create, describe, list, delete."""

from __future__ import annotations

from typing import Any

from api.arns import parse_arn
from api.configurations import encryption_configuration
from api.context import Api
from api.errors import ActivityAlreadyExists, ActivityDoesNotExist
from api.names import check_name
from api.paging import Page
from api.requests import (
    CreateActivity,
    DeleteActivity,
    DescribeActivity,
    ListActivities,
)
from api.tags import checked_tags
from api.timestamps import epoch
from api.wire import Response
from storage.activities import ActivityExistsError, ActivityRecord


async def create_activity(api: Api, request: CreateActivity) -> Response:
    """Make an activity, or return the same one again."""
    arn = api.site.activity(check_name(request.name))
    encryption = encryption_configuration(request.encryption_configuration)
    tags = checked_tags(arn, request.tags)
    try:
        activity = await api.activities.create(arn, encryption, tags, api.clock.now())
    except ActivityExistsError:
        msg = f"Activity Already Exists: '{arn}'"
        raise ActivityAlreadyExists(msg) from None
    return {"activityArn": arn, "creationDate": epoch(activity.created_at)}


async def describe_activity(api: Api, request: DescribeActivity) -> Response:
    """Show an activity."""
    arn = request.activity_arn
    parse_arn(arn, "activity")
    activity = await api.activities.get(arn)
    if activity is None:
        msg = f"Activity Does Not Exist: '{arn}'"
        raise ActivityDoesNotExist(msg)
    encryption = activity.encryption_configuration
    return {**_item(activity), "encryptionConfiguration": encryption}


async def delete_activity(api: Api, request: DeleteActivity) -> Response:
    """Forget an activity; one that is not there counts as deleted."""
    parse_arn(request.activity_arn, "activity")
    await api.activities.delete(request.activity_arn)
    return {}


async def list_activities(api: Api, request: ListActivities) -> Response:
    """List the activities in the order of their ARNs."""
    page = Page(api.pages, request)
    after = page.position if isinstance(page.position, str) else ""
    rows = await api.activities.page(after=after, limit=page.wanted)
    shown, more = page.cut(rows, lambda activity: activity.arn)
    return {"activities": [_item(activity) for activity in shown], **more}


def _item(activity: ActivityRecord) -> dict[str, Any]:
    return {
        "activityArn": activity.arn,
        "name": activity.name,
        "creationDate": epoch(activity.created_at),
    }
