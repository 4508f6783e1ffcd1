"""Linkage names <-> names as written in the source."""

from armexec.objects.names.source_names import bare_name, learn, linkage_name, normalize, source_name

__all__ = ["bare_name", "learn", "linkage_name", "normalize", "source_name"]
