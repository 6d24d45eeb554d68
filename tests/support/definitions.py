"""Definitions that several tests record executions of."""

from __future__ import annotations

from typing import Any

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:"

ORDERS: dict[str, Any] = {
    "StartAt": "CheckInventory",
    "States": {
        "CheckInventory": {
            "Type": "Task",
            "Resource": f"{FUNCTION}check-inventory-func",
            "ResultPath": "$.inventory",
            "Next": "ProcessPayment",
        },
        "ProcessPayment": {
            "Type": "Task",
            "Resource": f"{FUNCTION}process-payment-func",
            "TimeoutSeconds": 60,
            "Retry": [
                {
                    "ErrorEquals": ["PaymentGatewayTimeout"],
                    "IntervalSeconds": 3,
                    "MaxAttempts": 2,
                    "BackoffRate": 1.5,
                }
            ],
            "End": True,
        },
    },
}

REMINDER: dict[str, Any] = {
    "StartAt": "Sleep",
    "States": {
        "Sleep": {"Type": "Wait", "Seconds": 86400, "Next": "Remind"},
        "Remind": {"Type": "Pass", "End": True},
    },
}

EXPENSES: dict[str, Any] = {
    "StartAt": "AskManager",
    "States": {
        "AskManager": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
            "TimeoutSeconds": 3600,
            "HeartbeatSeconds": 600,
            "Parameters": {
                "FunctionName": "ask-manager-func",
                "Payload": {
                    "amount.$": "$.amount",
                    "token.$": "$$.Task.Token",
                    "link.$": "States.Format("
                    "'https://ok.example/?t={}', $$.Task.Token)",
                },
            },
            "End": True,
        }
    },
}

INSPECTION: dict[str, Any] = {
    "StartAt": "Inspect",
    "States": {
        "Inspect": {
            "Type": "Task",
            "Resource": "arn:aws:states:us-east-1:123456789012:activity:inspect",
            "End": True,
        }
    },
}

BRANCHES: dict[str, Any] = {
    "StartAt": "Both",
    "States": {
        "Both": {
            "Type": "Parallel",
            "Retry": [{"ErrorEquals": ["Broken"], "IntervalSeconds": 30}],
            "End": True,
            "Branches": [
                {
                    "StartAt": "Left",
                    "States": {
                        "Left": {
                            "Type": "Task",
                            "Resource": f"{FUNCTION}left-func",
                            "End": True,
                        }
                    },
                },
                {
                    "StartAt": "Right",
                    "States": {"Right": {"Type": "Pass", "End": True}},
                },
            ],
        }
    },
}
