"""Validation: a suite of experiments whose outcomes are compared with published targets."""
