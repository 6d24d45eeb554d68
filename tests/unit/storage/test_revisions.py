"""What the files of the revisions say, compared with what Alembic makes of them."""

from alembic.script import ScriptDirectory

from storage.revisions import known_revisions, newest_revision
from storage.upgrading import alembic_config


def test_the_newest_revision_is_the_one_that_alembic_upgrades_to() -> None:
    script = ScriptDirectory.from_config(alembic_config())

    assert newest_revision() == script.get_current_head()


def test_every_revision_is_known_with_the_one_before_it() -> None:
    script = ScriptDirectory.from_config(alembic_config())

    known = {each.revision: each.down_revision for each in script.walk_revisions()}

    assert known_revisions() == known
