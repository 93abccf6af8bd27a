"""Experiments of many runs: what is planned, one folder per run, executors that hold nothing worth saving."""
