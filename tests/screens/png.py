"""A PNG with a palette: a picture of text needs no 32 bits a pixel, and is half as large so.

In:  a PNG as `rsvg-convert` writes it (8 bits, RGBA, not interlaced). Out: at most 256 colours,
the most frequent ones, each other one as its nearest; what is transparent becomes the ground.
"""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Iterator

Pixel = tuple[int, ...]
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def with_palette(png: bytes) -> bytes:
    """The same picture with at most 256 colours."""
    chunks = list(_chunks(png))
    width, height = struct.unpack(">II", chunks[0][1][:8])
    rows = _rows(zlib.decompress(b"".join(body for name, body in chunks if name == b"IDAT")), width)
    pixels = [[tuple(row[at : at + 4]) for at in range(0, width * 4, 4)] for row in rows]
    counts: Counter[Pixel] = Counter(_coarse(pixel) for row in pixels for pixel in row)
    palette = [colour for colour, _ in counts.most_common(256)]
    index = {colour: number for number, colour in enumerate(palette)}
    for colour in counts:
        index.setdefault(colour, min(range(len(palette)), key=lambda n: _far(palette[n], colour)))
    data = b"".join(b"\0" + bytes(index[_coarse(pixel)] for pixel in row) for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = [
        (b"IHDR", header),
        (b"PLTE", b"".join(bytes(colour) for colour in palette)),
        (b"IDAT", zlib.compress(data, 9)),
        (b"IEND", b""),
    ]
    return _SIGNATURE + b"".join(_chunk(name, body) for name, body in parts)


def _coarse(pixel: Pixel) -> Pixel:
    """A colour on white where it is transparent, in steps of four that the eye cannot tell."""
    red, green, blue, alpha = pixel
    return tuple((c * alpha // 255 + 255 - alpha) & 0xFC for c in (red, green, blue))


def _far(one: Pixel, other: Pixel) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_SIGNATURE)
    while at < len(png):
        length, name = struct.unpack(">I4s", png[at : at + 8])
        yield name, png[at + 8 : at + 8 + length]
        at += length + 12


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _rows(data: bytes, width: int) -> Iterator[bytearray]:
    """The rows, with the filters of the format undone."""
    stride = width * 4
    above = bytearray(stride)
    for start in range(0, len(data), stride + 1):
        kind, row = data[start], bytearray(data[start + 1 : start + 1 + stride])
        for at in range(stride):
            left = row[at - 4] if at >= 4 else 0
            corner = above[at - 4] if at >= 4 else 0
            up = above[at]
            guess = (0, left, up, (left + up) // 2, _paeth(left, up, corner))[kind]
            row[at] = (row[at] + guess) & 0xFF
        yield row
        above = row


def _paeth(left: int, up: int, corner: int) -> int:
    near = left + up - corner
    by = abs(near - left), abs(near - up), abs(near - corner)
    return left if by[0] <= by[1] and by[0] <= by[2] else up if by[1] <= by[2] else corner
