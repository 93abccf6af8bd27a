"""Pictures of a run: reads run folders, draws with VTK, needs no display."""
