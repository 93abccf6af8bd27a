"""Copy and add LANES neighboring numbers with one vector instruction.

Plain loops of a fixed short length are unrolled into single numbers before the compiler looks for vectors; these two
operations are written as vectors from the start. Nothing is checked: the caller keeps both places inside their arrays.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

LANES = 8


def _vector(context: Any, builder: Any, array_type: Any, array: Any, place: Any) -> tuple[Any, int]:
    """Pointer to LANES numbers of a flat array from `place` on, and the bytes of one number."""
    start = builder.gep(context.make_array(array_type)(context, builder, array).data, [place])
    lanes = ir.VectorType(context.get_data_type(array_type.dtype), LANES)
    return builder.bitcast(start, lanes.as_pointer()), array_type.dtype.bitwidth // 8


@intrinsic
def copy_lanes(typing_context, target, target_place, source, source_place):
    """target[target_place : + LANES] = source[source_place : + LANES]; flat float arrays, unsigned places."""

    def code(context, builder, signature, args):
        to, alignment = _vector(context, builder, signature.args[0], args[0], args[1])
        values, _ = _vector(context, builder, signature.args[2], args[2], args[3])
        builder.store(builder.load(values, align=alignment), to, align=alignment)
        return context.get_dummy_value()

    return types.void(target, types.uint64, source, types.uint64), code


@intrinsic
def add_lanes(typing_context, target, target_place, source, source_place):
    """target[target_place : + LANES] += source[source_place : + LANES]; flat float arrays, unsigned places."""

    def code(context, builder, signature, args):
        to, alignment = _vector(context, builder, signature.args[0], args[0], args[1])
        values, _ = _vector(context, builder, signature.args[2], args[2], args[3])
        total = builder.fadd(builder.load(to, align=alignment), builder.load(values, align=alignment))
        builder.store(total, to, align=alignment)
        return context.get_dummy_value()

    return types.void(target, types.uint64, source, types.uint64), code
