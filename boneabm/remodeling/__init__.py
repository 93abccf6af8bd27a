"""Biological rules: who senses, signals, starts, erodes, refills and mineralizes, each on the pieces it needs."""

from .parameters import TissueParameters
from .signaling import Signals
from .tissue import Tissue

__all__ = ["Signals", "Tissue", "TissueParameters"]
