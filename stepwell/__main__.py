"""The `stepwell` command.

`stepwell worker` runs the user's code and never sees the server's packages. Every other
command belongs to the server, whose packages go first on the path: in an installed wheel
they lie in `stepwell/server`, in a checkout beside this package. First, because with
`python -m stepwell` the current folder is on the path too, and may have a `storage`.
"""

import sys
from pathlib import Path


def main() -> None:
    """Run the command line; exits with its status."""
    if sys.argv[1:2] == ["worker"]:
        from stepwell.command import main as run_worker

        raise SystemExit(run_worker(sys.argv[2:]))
    package = Path(__file__).resolve().parent
    server = package / "server"
    sys.path.insert(0, str(server if server.is_dir() else package.parent))
    from cli.main import main as run_command

    raise SystemExit(run_command())


if __name__ == "__main__":
    main()
