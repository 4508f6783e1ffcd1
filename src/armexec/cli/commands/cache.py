"""`armexec cache`: shows or clears the cache on disk."""

from __future__ import annotations

from armexec.cli.command import argument, choice, command


@command()
@argument("action", type=choice(("info", "clear")), default="info", help="Show what is there, or remove it.")
def cache(action: str) -> None:
    """Show what is kept on disk, or remove it.

    That is compiled objects and translations. ARMEXEC_CACHE_DIR says where it is; with ARMEXEC_CACHE=off nothing is
    read or written.
    """
    from armexec.store import STORES, Store, cache_directory, is_on

    folder = cache_directory()
    if folder is None:
        print("nothing is kept: there is no home directory (ARMEXEC_CACHE_DIR names a folder)")
        return
    rows = [("place", str(folder) if is_on() else f"{folder} (off: ARMEXEC_CACHE)")]
    entries = size = 0
    for name, what in STORES.items():
        store = Store(name, root=folder)
        found = store.clear() if action == "clear" else store.contents()
        entries, size = entries + found.entries, size + found.size
        of_limit = "" if action == "clear" else f" of at most {_bytes(store.limit)}"
        rows.append((what, f"{_count(found.entries)}, {_bytes(found.size)}{of_limit}"))
    rows.append(("removed" if action == "clear" else "in all", f"{_count(entries)}, {_bytes(size)}"))
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print(f"{name:{width}}  {value}")


def _count(entries: int) -> str:
    return f"{entries} {'entry' if entries == 1 else 'entries'}"


def _bytes(size: int) -> str:
    return f"{size} bytes" if size < 10_000 else f"{size / (1 << 20):.2f} MiB"
