"""The shell around the pure runtime: lanes, turns, dispatch and recovery."""
