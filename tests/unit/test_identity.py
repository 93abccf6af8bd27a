"""The version of the model follows its code and not what is said about it."""

from __future__ import annotations

import pytest

from boneabm.identity import code_of

RULE = '''"""A rule."""

RATE = 2.0  # um/d


def eroded(depth, name="slow # erosion"):
    """What is gone.

    depth : um
    """
    told = (
        "a text that the code uses"
    )
    "a string alone"
    return RATE * depth, told
'''
CODE = '''RATE = 2.0
def eroded(depth, name="slow # erosion"):
    told = (
        "a text that the code uses"
    )
    return RATE * depth, told'''


def test_comments_docstrings_and_blank_lines_do_not_count():
    """What is left is the code, texts that it uses included."""
    assert code_of(RULE) == CODE


@pytest.mark.parametrize(
    ("old", "new"), [("# um/d", "# mm/d, was wrong"), ("What is gone.", "Gone."), ("\n\n\n", "\n")]
)
def test_a_mended_sentence_is_the_same_model(old, new):
    """Other words, other empty lines, the same code."""
    assert RULE.replace(old, new) != RULE
    assert code_of(RULE.replace(old, new)) == CODE


@pytest.mark.parametrize(
    ("old", "new"), [("2.0", "2.1"), ("slow # erosion", "slow # resorption"), ("the code", "a code")]
)
def test_another_number_or_text_is_another_model(old, new):
    """A number, a default, a text that the code uses: all decide."""
    assert code_of(RULE.replace(old, new)) != CODE
