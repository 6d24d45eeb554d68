"""What `stepwell keys` does to the keys that sign tokens, and to all with the master key."""

from __future__ import annotations

import argparse
import os

from cli.counts import counted
from storage.access_keys import KeyRegister
from storage.master_keys import configured_master_keys, read_master_keys
from storage.server_keys import ServerKeyRegister


def rotate(register: KeyRegister, _options: argparse.Namespace) -> None:
    """Encrypt every secret under the first master key."""
    masters = read_master_keys(os.environ)
    signing = ServerKeyRegister(register.connection)
    signing.require_all_ready(masters)
    with register.connection.transaction():
        count, tokens = register.rotate(masters), signing.rotate(masters)
    print(
        f"Encrypted {counted(count, 'secret')} anew, under the first master key"
        f" {masters.current}, and {counted(tokens, 'key')} of tokens."
    )


def renew(register: KeyRegister, options: argparse.Namespace) -> None:
    """Make a new key that signs tokens."""
    masters = configured_master_keys(os.environ)
    signing = ServerKeyRegister(register.connection)
    if not options.workers_stopped:
        signing.require_nothing_in_hand()
    retire = signing.replace_lost if options.lost else signing.replace_all
    if options.lost or options.all:
        count = retire(masters)
        print(
            f"Retired {counted(count, 'key')}: tokens signed before are good no more."
        )
    else:
        signing.renew(masters)
    print("A new key signs the tokens that are handed out from now on.")


def unseal(register: KeyRegister, _options: argparse.Namespace) -> None:
    """Store the keys that sign tokens unencrypted again."""
    masters = configured_master_keys(os.environ)
    count = ServerKeyRegister(register.connection).unseal(masters)
    print(f"Stored {counted(count, 'key')} of tokens unencrypted, for servers without")
    print("a master key; one with a master key encrypts them again when it starts.")
