"""Access keys, with which requests are signed.

Old code runs on the new schema: it does not know the table.
"""

from __future__ import annotations

from typing import LiteralString

from alembic import op

revision = "0005"
down_revision = "0003"
branch_labels = None
depends_on = None

KEYS: LiteralString = """
CREATE TABLE access_keys (
    created_at timestamptz NOT NULL,
    disabled_at timestamptz,
    key_id text COLLATE "C" NOT NULL,
    name text NOT NULL,
    preset text,
    policy text,
    secret bytea NOT NULL,
    CONSTRAINT access_keys_pkey PRIMARY KEY (key_id),
    CONSTRAINT access_keys_permissions_check CHECK (num_nonnulls(preset, policy) = 1)
);
COMMENT ON TABLE access_keys IS
    'Who may use the API: each key with its policy; never deleted.';
COMMENT ON COLUMN access_keys.preset IS
    'the policy of that name, as the server knows it';
COMMENT ON COLUMN access_keys.policy IS
    'or one of its own, as JSON text';
COMMENT ON COLUMN access_keys.secret IS
    'encrypted under a master key that is not in the database';
"""


def upgrade() -> None:
    """Create the table."""
    op.get_bind().connection.cursor().execute(KEYS)


def downgrade() -> None:
    """Drop it; every key is gone then."""
    op.drop_table("access_keys")
