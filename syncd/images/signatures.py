"""Signatures of files that the API does not accept, for the reason in the log."""

from __future__ import annotations

from codecs import getincrementaldecoder

from syncd.model import printable

NOT_ACCEPTED = "which the API does not accept: convert it to PNG or JPEG"

MAGIC = {  # https://en.wikipedia.org/wiki/List_of_file_signatures
    b"8BPS": "a Photoshop document",
    b"\xff\x0a": "a JPEG XL image",
    b"\x00\x00\x00\x0cJXL ": "a JPEG XL image",
    b"\x00\x00\x00\x0cjP  ": "a JPEG 2000 image",
    b"\xff\x4f\xff\x51": "a JPEG 2000 image",
    b"\x00\x00\x01\x00": "a Windows icon",
    b"\xd7\xcd\xc6\x9a": "a Windows metafile",
    b"\x28\x00\x00\x00": "a bitmap without its file header",
    b"gimp xcf": "a GIMP document",
    b"v/1\x01": "an OpenEXR image",
    b"#?RADIANCE": "a Radiance HDR image",
    b"DDS ": "a DirectDraw surface",
    b"qoif": "a QOI image",
    b"%!PS": "a PostScript document",
    b"II\xbc\x01": "a JPEG XR image",
    b"\x8aMNG\r\n": "an MNG animation",
    b"\x8bJNG\r\n": "a JNG image",
    b"%PDF-": "a PDF document",
}

LFS_POINTER = b"version https://git-lfs.github.com/spec/"

BRANDS = {  # ISO base media file format, after `ftyp`: https://mp4ra.org/registered-types/brands
    b"heic": "a HEIC image",
    b"heix": "a HEIC image",
    b"heim": "a HEIC image",
    b"heis": "a HEIC image",
    b"hevc": "a HEIC image",
    b"hevx": "a HEIC image",
    b"mif1": "a HEIF image",
    b"msf1": "a HEIF image",
    b"avif": "an AVIF image",
    b"avis": "an AVIF image",
    b"crx ": "a Canon raw image",
}


def describe(head: bytes) -> str:
    """Return why a file is not accepted, by its head: its first 512 bytes, or all of them."""
    known = _image(head)
    if known:
        return f"{known}, {NOT_ACCEPTED}"
    if not head.strip(b"\0"):
        return "not an image: begins with zero bytes"
    if head.startswith(LFS_POINTER):
        return "not an image: a pointer of Git LFS; fetch the image with `git lfs pull`"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return "not an image: a web page, perhaps an error page that was saved under this name"
    kind = "a text file that begins" if _is_text(head) else "begins"
    return f"not an image: {kind} with '{printable(head[:8])}'"


def _is_text(head: bytes) -> bool:
    """Return whether there are only letters and blanks in a file's first bytes."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):  # the byte order marks of UTF-16
        return True
    try:
        text = getincrementaldecoder("utf-8")().decode(head)  # it may end within a letter
    except UnicodeDecodeError:
        return False
    return all(letter.isprintable() or letter.isspace() for letter in text.lstrip("\ufeff"))


def _image(head: bytes) -> str | None:
    if head[4:8] == b"ftyp":
        return BRANDS.get(head[8:12], "a video or another ISO media file")
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "a WebP image"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith((b"<svg", b"<?xml", b"<!--", b"<!DOCTYPE svg")) and b"<svg" in text:
        return "an SVG drawing"
    if head[:1] == b"P" and head[1:2] in b"1234567" and head[2:3].isspace():
        return "a Netpbm image"
    return next((name for magic, name in MAGIC.items() if head.startswith(magic)), None)
