"""Activities: create, describe, list, delete, and fetch a task."""

from __future__ import annotations

from typing import Any, Final

from api.arns import parse_arn
from api.configurations import encryption_configuration
from api.context import Api
from api.errors import (
    ActivityAlreadyExists,
    ActivityDoesNotExist,
    ActivityLimitExceeded,
)
from api.names import check_name
from api.paging import Page
from api.requests import (
    CreateActivity,
    DeleteActivity,
    DescribeActivity,
    GetActivityTask,
    ListActivities,
)
from api.tags import checked_tags
from api.timestamps import epoch
from api.wire import Response
from engine.activities import ActivityTask
from runtime.limits import MAX_ACTIVITY_POLL_SECONDS
from storage.activities import (
    ActivityExistsError,
    ActivityRecord,
    TooManyActivitiesError,
)

# Ordinary clients hang up after a minute and ask again: answer a little before.
_POLL_SECONDS: Final = MAX_ACTIVITY_POLL_SECONDS - 2


async def create_activity(api: Api, request: CreateActivity) -> Response:
    """Make an activity, or return the same one again."""
    arn = api.site.activity(check_name(request.name))
    encryption = encryption_configuration(request.encryption_configuration)
    tags = checked_tags(api, arn, request.tags)
    try:
        activity = await api.activities.create(arn, encryption, tags, api.clock.now())
    except ActivityExistsError:
        msg = f"Activity Already Exists: '{arn}'"
        raise ActivityAlreadyExists(msg) from None
    except TooManyActivitiesError:
        msg = f"There may be {api.limits.activities} activities at most: '{arn}'"
        raise ActivityLimitExceeded(msg) from None
    return {"activityArn": arn, "creationDate": epoch(activity.created_at)}


async def describe_activity(api: Api, request: DescribeActivity) -> Response:
    """Show an activity."""
    activity = await _find(api, request.activity_arn)
    encryption = activity.encryption_configuration
    return {**_item(activity), "encryptionConfiguration": encryption}


async def _find(api: Api, arn: str) -> ActivityRecord:
    parse_arn(arn, "activity")
    activity = await api.activities.get(arn)
    if activity is None:
        msg = f"Activity Does Not Exist: '{arn}'"
        raise ActivityDoesNotExist(msg)
    return activity


async def get_activity_task(api: Api, request: GetActivityTask) -> Response:
    """Wait for a task of an activity; an empty answer when none comes in time."""
    activity = await _find(api, request.activity_arn)
    worker = request.worker_name
    if worker is not None:
        check_name(worker)
    task = await api.activity_hall.poll(activity.arn, worker, _POLL_SECONDS)
    if task is None:
        return {}
    return {"taskToken": task.token, "input": task.input}


def give_back_activity_task(
    api: Api, request: GetActivityTask, response: Response
) -> None:
    """Let another poller have the task of an answer that nobody can get."""
    if response:
        task = ActivityTask(
            activity_arn=request.activity_arn,
            token=response["taskToken"],
            input=response["input"],
        )
        api.activity_hall.give_back(task)


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
