"""Turns the built UI into an object file's worth of sources: gzip'd files, .incbin, and a table of them.

    embed.py DIST OUT     reads DIST (ui/dist; may be missing), writes OUT/ui_assets.S and OUT/ui_assets.cc

Files under assets/ carry a hash of their content in their names and are marked immutable. The ETag is a hash
of the content, so that two builds of the same sources answer alike.
"""

from __future__ import annotations

import gzip
import hashlib
import sys
from pathlib import Path

CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".woff2": "font/woff2",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".txt": "text/plain; charset=utf-8",
}


def assets(dist: Path) -> list[Path]:
    """Every file a browser may ask for, by path; what begins with a dot is the build's own."""
    files = [path for path in dist.rglob("*") if path.is_file()]
    visible = [
        path
        for path in files
        if not any(part.startswith(".") for part in path.relative_to(dist).parts)
    ]
    return sorted(visible, key=lambda path: path.relative_to(dist).as_posix())


def main() -> int:
    dist, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    assembly = ['    .section .note.GNU-stack,"",%progbits', "    .section .rodata"]
    declarations, rows = [], []
    for number, path in enumerate(assets(dist)):
        name = "/" + path.relative_to(dist).as_posix()
        content_type = CONTENT_TYPES.get(path.suffix)
        if content_type is None:
            print(
                f"embed.py: {path} has an ending whose content type is not known; add it.",
                file=sys.stderr,
            )
            return 1
        content = path.read_bytes()
        packed = out / f"{number}.gz"
        packed.write_bytes(gzip.compress(content, compresslevel=9, mtime=0))
        symbol = f"vedette_ui_asset_{number}"
        assembly += [
            f"    .global {symbol}, {symbol}_end",
            f"    .hidden {symbol}, {symbol}_end",
            f"{symbol}:",
            f'    .incbin "{packed.resolve().as_posix()}"',
            f"{symbol}_end:",
        ]
        declarations.append(f"extern const char {symbol}[], {symbol}_end[];")
        etag = hashlib.sha256(content).hexdigest()[:20]
        immutable = "true" if name.startswith("/assets/") else "false"
        rows.append(
            f'      {{"{name}", "{content_type}", "\\"{etag}\\"",'
            f" {{{symbol}, static_cast<size_t>({symbol}_end - {symbol})}}, {immutable}}},"
        )
    (out / "ui_assets.S").write_text("\n".join(assembly) + "\n")
    body = "\n".join(rows)
    table = (
        f"  static const UiAsset kAssets[] = {{\n{body}\n  }};\n  return kAssets;"
        if rows
        else "  return {};"
    )
    externs = "\n".join(declarations)
    (out / "ui_assets.cc").write_text(
        f'// Written by tools/embed.py.\n#include "api/ui_assets.h"\n\nextern "C" {{\n{externs}\n}}\n\n'
        f"namespace vedette::api {{\n\nstd::span<const UiAsset> ui_assets() {{\n{table}\n}}\n\n"
        f"}}  // namespace vedette::api\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
