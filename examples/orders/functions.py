"""The functions of the order workflow, in a worker process of their own.

    stepwell dev --functions examples/orders/functions.py

An order says with `simulate` what shall go wrong: `inventory-outage`, `gateway-timeout` (of
the first attempt) or `slow-receipt` (the gateway has charged the card and its answer does
not come: time to kill the worker).

The payment shows what the idempotency key is for. A function can be called again though it
has done its work: whoever ran it may have died before saying so. The key is the same for all
attempts of one visit of the state, and the ledger, which stands for the payment gateway,
charges once per key.
"""

import fcntl
import json
import os
import time
from pathlib import Path

from stepwell import context, task

LEDGER = Path(os.environ.get("ORDERS_LEDGER", "ledger.jsonl"))
STOCK = {"lamp": 12, "chair": 4, "piano": 0}


class InventoryServiceDown(Exception):
    """The service that knows the stock does not answer."""


class PaymentGatewayTimeout(Exception):
    """The payment gateway did not answer in time."""


@task("check-inventory-func")
def check_inventory(order):
    if order.get("simulate") == "inventory-outage":
        raise InventoryServiceDown("no answer from the inventory service")
    in_stock = STOCK.get(order["product"], 0)
    status = "available" if in_stock >= order["quantity"] else "unavailable"
    return {"status": status, "inStock": in_stock}


@task("process-payment-func")
def process_payment(order):
    attempt = context()
    is_first = attempt.retry_count == 0
    if order.get("simulate") == "gateway-timeout" and is_first:
        raise PaymentGatewayTimeout("no answer within 30 s")
    charge = charge_once(attempt.idempotency_key, order)
    if order.get("simulate") == "slow-receipt" and is_first:
        time.sleep(60)
    return charge


@task("create-shipping-label-func")
def create_shipping_label(order):
    return {"label": f"LABEL-{order['orderId']}", "charge": order["payment"]["charge"]}


@task("notify-user-of-failure-func")
async def notify_user_of_failure(order):
    return {"to": order["customer"], "message": order["notice"]["message"]}


def charge_once(key, order):
    """Charge a card, unless it has been charged for this key; return the charge."""
    with LEDGER.open("a+") as ledger:
        fcntl.flock(ledger, fcntl.LOCK_EX)
        ledger.seek(0)
        charges = [
            entry for entry in map(json.loads, ledger) if entry["what"] == "charged"
        ]
        known = next((entry for entry in charges if entry["key"] == key), None)
        charge = known["charge"] if known else f"charge-{len(charges) + 1}"
        entry = {
            "what": "asked again" if known else "charged",
            "charge": charge,
            "order": order["orderId"],
            "amount": order["total"],
            "key": key,
        }
        ledger.write(json.dumps(entry) + "\n")
        ledger.flush()
        os.fsync(ledger.fileno())
    return {"charge": charge, "amount": order["total"]}
