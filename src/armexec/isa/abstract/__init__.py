"""Abstract interpretation of semantic functions: values of which nothing is known, and a machine of such values.

An analysis subclasses `AbstractMachine` and overrides what it tracks; all else stays TOP.
"""

from __future__ import annotations

from .machine import AbstractMachine
from .values import AbstractFlags, AbstractValue, AbstractVector, LaneDependence

__all__ = ["AbstractFlags", "AbstractMachine", "AbstractValue", "AbstractVector", "LaneDependence"]
