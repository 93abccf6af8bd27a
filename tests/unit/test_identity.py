"""The version of the model follows its code and not what is said about it."""

from __future__ import annotations

import io
import tokenize
from pathlib import Path

import pytest

import boneabm
from boneabm.identity import MODEL_SOURCES, code_of

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


def test_an_f_string_alone_is_no_docstring():
    """Nor is what stands in one on any version of Python."""
    assert code_of('f"{RATE}"\n') == 'f"{RATE}"'


def test_no_source_of_the_model_has_a_text_over_several_lines():
    """Blank lines within such a text would be cut: only docstrings are that long."""
    package = Path(boneabm.__file__).parent
    files = {file for pattern in MODEL_SOURCES if pattern.endswith(".py") for file in package.glob(pattern)}
    assert len(files) > 50
    for file in files:
        tokens = tokenize.generate_tokens(io.StringIO(code_of(file.read_text(encoding="utf-8"))).readline)
        assert not [t.string for t in tokens if t.type == tokenize.STRING and "\n" in t.string], file
