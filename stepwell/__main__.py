"""The `stepwell` command.

`stepwell worker` runs the user's code and never sees the server's packages. Every other
command belongs to the server: in an installed wheel its packages lie in
`stepwell/server`, which goes first on the path; in a checkout they are on it already.
"""

import sys
from pathlib import Path


def main() -> None:
    """Run the command line; exits with its status."""
    if sys.argv[1:2] == ["worker"]:
        from stepwell.command import main as run_worker

        raise SystemExit(run_worker(sys.argv[2:]))
    server = Path(__file__).resolve().parent / "server"
    if server.is_dir():
        sys.path.insert(0, str(server))
    from cli.main import main as run_command

    raise SystemExit(run_command())


if __name__ == "__main__":
    main()
