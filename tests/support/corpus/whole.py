"""Whole pictures: common decoders show them completely."""

from support.corpus import by_hand, by_pillow

from syncd.images.probe import Format

WHOLE: dict[tuple[Format, str], bytes] = {
    (kind, f"{name} ({origin})"): data
    for kind, origin, files in [
        (Format.JPEG, "Pillow", by_pillow.jpegs()),
        (Format.JPEG, "by hand", by_hand.jpegs()),
        (Format.PNG, "Pillow", by_pillow.pngs()),
        (Format.PNG, "by hand", by_hand.pngs()),
        (Format.GIF, "Pillow", by_pillow.gifs()),
        (Format.GIF, "by hand", by_hand.gifs()),
        (Format.BMP, "Pillow", by_pillow.bmps()),
        (Format.BMP, "by hand", by_hand.bmps()),
        (Format.TIFF, "Pillow", by_pillow.tiffs()),
        (Format.TIFF, "by hand", by_hand.tiffs()),
    ]
    for name, data in files
}
"""Pictures of by_pillow.WIDTH and HEIGHT, by their format and what is special about them."""
