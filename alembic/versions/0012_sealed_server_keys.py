"""The keys that sign tokens may be kept encrypted under a master key.

Old code runs on the new schema for as long as the keys are plain. A server encrypts them
only once every living engine has said that it has the master key, and old ones never say so.
Before old code is started again later: `stepwell keys unseal`.
"""

from __future__ import annotations

from typing import LiteralString

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

SEALED: LiteralString = """
ALTER TABLE server_keys
    ALTER COLUMN secret DROP NOT NULL,
    ADD COLUMN sealed bytea,
    ADD CONSTRAINT server_keys_form_check CHECK (num_nonnulls(secret, sealed) = 1);
COMMENT ON COLUMN server_keys.sealed IS
    'or encrypted under a master key that is not in the database';
"""

PLAIN: LiteralString = """
ALTER TABLE server_keys
    DROP CONSTRAINT server_keys_form_check,
    DROP COLUMN sealed,
    ALTER COLUMN secret SET NOT NULL;
"""


def upgrade() -> None:
    """Make room for the encrypted form."""
    op.get_bind().connection.cursor().execute(SEALED)


def downgrade() -> None:
    """Take it away, which is refused while a key is encrypted: it would be lost."""
    op.get_bind().connection.cursor().execute(PLAIN)
