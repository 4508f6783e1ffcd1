"""Python values of C's types: converters in both directions, and classes of structs and unions."""

from __future__ import annotations

# Each of them registers its codecs.
from armexec.abi.values import scalars, sequences, structs
from armexec.abi.values.codec import Codec, codec
from armexec.abi.values.structs import Struct, StructType, StructValue, struct_class

__all__ = ["Codec", "Struct", "StructType", "StructValue", "codec", "scalars", "sequences", "struct_class", "structs"]
