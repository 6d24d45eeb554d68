"""The demo: five orders, an engine and a worker killed, and every claim checked."""
