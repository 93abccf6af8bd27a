"""`python -m boneabm` is the command line."""

from .cli import main

main()
