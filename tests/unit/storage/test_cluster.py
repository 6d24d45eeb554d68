"""The files of an embedded server."""

from pathlib import Path

import pytest

from storage.cluster import Cluster
from storage.errors import EmbeddedServerError


@pytest.mark.parametrize("where", ["file", "file/below"])
def test_a_data_folder_that_cannot_be_made_is_said_with_what_helps(
    tmp_path: Path, where: str
) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(EmbeddedServerError, match=r"cannot be made: .+ --data DIR"):
        Cluster(data=tmp_path / where).prepare()
