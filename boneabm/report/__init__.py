"""Pages that stand alone: the report of runs, and arms against each other."""
