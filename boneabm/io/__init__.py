"""Files of a run: names and units, volumes, cells, tables, checkpoints, provenance, and micro-CT images coming in."""
