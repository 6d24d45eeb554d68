"""Make, list, change and disable the access keys that requests are signed with.

Keys are needed with `--auth sigv4`. Their secrets are encrypted under a master key that you
keep, in STEPWELL_SECRET_KEY or in the file that STEPWELL_SECRET_KEY_FILE names:

    export STEPWELL_SECRET_KEY=$(openssl rand -base64 32)
    stepwell keys create ada --preset admin

The keys that the server signs task and page tokens with are encrypted under the same master
key, once there is one: `rotate` is for both, `renew` and `unseal` are for those alone.

docs/security.md tells what each preset may do, and how policies are written.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from api.access.presets import PRESETS, preset_document
from cli.database import add_database_options, open_database, prepare_schema
from cli.errors import UsageError

if TYPE_CHECKING:
    from storage.access_keys import KeyRegister, ListedKey
    from storage.master_keys import MasterKeys

_NAME: Final = re.compile(r"[A-Za-z0-9_+=,.@-]{1,64}")

_OTHERS: Final = {
    "rotate": "encrypt every secret under the first master key",
    "renew": "make a new key that signs tokens, while no server runs",
    "unseal": "store the keys that sign tokens unencrypted again",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    creating = actions.add_parser("create", help="make a key; its secret is shown once")
    creating.add_argument("name", metavar="NAME", help="whose key it is")
    creating.add_argument(
        "--export", action="store_true", help='print it for eval "$(...)"'
    )
    actions.add_parser("list", help="every key and what it may do")
    showing = actions.add_parser("show", help="what a key may do, as a policy")
    changing = actions.add_parser("change", help="let a key do something else")
    disabling = actions.add_parser("disable", help="end the use of a key")
    for action in (showing, changing, disabling):
        action.add_argument("key_id", metavar="KEY_ID", help="as the list shows it")
    for action in (creating, changing):
        what = action.add_mutually_exclusive_group(required=True)
        what.add_argument("--preset", choices=PRESETS, help="what it may do")
        what.add_argument(
            "--policy", metavar="FILE", help="or a policy of your own, JSON"
        )
    others = {
        name: actions.add_parser(name, help=text) for name, text in _OTHERS.items()
    }
    retiring = others["renew"].add_mutually_exclusive_group()
    retiring.add_argument(
        "--lost", action="store_true", help="retire those whose master key is lost"
    )
    retiring.add_argument(
        "--all", action="store_true", help="retire every other: somebody has seen one"
    )
    others["renew"].add_argument(
        "--workers-stopped",
        action="store_true",
        help="no worker lives; what they had in hand ends as Lambda.Unknown",
    )
    for action in actions.choices.values():
        add_database_options(action)


def run(options: argparse.Namespace) -> int:
    """Do what is asked to the keys of the database."""
    from cli import tokenkeys
    from cli.logs import configure_logs
    from storage.access_keys import KeyRegister
    from storage.database import connect

    configure_logs("warning")
    perform = {
        "create": _create,
        "list": _list,
        "show": _show,
        "change": _change,
        "disable": _disable,
        "rotate": tokenkeys.rotate,
        "renew": tokenkeys.renew,
        "unseal": tokenkeys.unseal,
    }[options.action]
    if options.action in ("create", "change"):
        _check(options)
    with open_database(options) as database:
        prepare_schema(database)
        with connect(database.url, autocommit=True) as connection:
            perform(KeyRegister(connection), options)
    return 0


def _check(options: argparse.Namespace) -> None:
    """Refuse what is wrong before a database is opened."""
    if options.action == "create" and not _NAME.fullmatch(options.name):
        msg = f"{options.name!r} is no name: letters, digits and _+=,.@- are, up to 64"
        raise UsageError(msg)
    options.policy_text = None if options.policy is None else _policy(options.policy)


def _policy(path: str) -> str:
    from api.access.policies import PolicyError, parse_policy

    try:
        text = Path(path).read_text("utf-8")
        parse_policy(text)
    except (OSError, UnicodeDecodeError, PolicyError) as error:
        msg = f"{path}: {error}"
        raise UsageError(msg) from None
    return text


def _create(register: KeyRegister, options: argparse.Namespace) -> None:
    from storage.master_keys import read_master_keys

    masters = read_master_keys(os.environ)
    key = register.create(
        options.name, masters, preset=options.preset, policy=options.policy_text
    )
    _warn_of_other_master_keys(register, masters)
    lead = "export " if options.export else ""
    print(f"{lead}AWS_ACCESS_KEY_ID={key.key_id}")
    print(f"{lead}AWS_SECRET_ACCESS_KEY={key.secret}")
    if not options.export:
        print("The secret is shown this once; only its encrypted form is kept.")


def _warn_of_other_master_keys(register: KeyRegister, masters: MasterKeys) -> None:
    from storage.server_keys import ServerKeyRegister

    lacking = ServerKeyRegister(register.connection).engines_without(masters)
    if lacking:
        print(
            f"stepwell keys: engine {lacking} has not master key {masters.current}, and"
            " would refuse this key: give both the same STEPWELL_SECRET_KEY",
            file=sys.stderr,
        )


def _list(register: KeyRegister, _options: argparse.Namespace) -> None:
    from cli.readablekeys import missing
    from cli.tables import print_table
    from storage.master_keys import configured_master_keys

    keys, masters = register.all(), configured_master_keys(os.environ)
    print_table(
        ("key", "name", "may", "created (UTC)", "disabled (UTC)", "master key"),
        [_row(key) for key in keys],
    )
    if masters is not None:
        unreadable = [key for key in keys if key.is_unreadable(masters)]
        if unreadable:
            print(f"\nRefused by servers: {missing(unreadable, masters)}")


def _row(key: ListedKey) -> tuple[object, ...]:
    from cli.times import moment
    from storage.master_keys import master_key_of

    disabled = key.disabled_at
    return (
        key.key_id,
        key.name,
        key.preset or "a policy of its own",
        moment(key.created_at.timestamp()),
        moment(None if disabled is None else disabled.timestamp()),
        master_key_of(key.secret),
    )


def _show(register: KeyRegister, options: argparse.Namespace) -> None:
    key = register.one(options.key_id)
    own = {} if key.policy is None else json.loads(key.policy)
    document = own if key.preset is None else preset_document(key.preset)
    print(json.dumps(document, indent=2))


def _change(register: KeyRegister, options: argparse.Namespace) -> None:
    register.change(options.key_id, options.preset, options.policy_text)
    print(f"{options.key_id} is changed: servers know within seconds.")


def _disable(register: KeyRegister, options: argparse.Namespace) -> None:
    register.disable(options.key_id)
    print(f"{options.key_id} is disabled: servers refuse it within seconds.")
