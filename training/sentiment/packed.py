"""The files of a fitted encoder as one: what is digested, exported and served; equal files are equal bytes.

What does not belong here: which files (training.sentiment.encoder).
"""

import io
import zipfile
from collections.abc import Mapping

from market.errors import Permanent

FILE = "encoder.zip"
_EPOCH = (1980, 1, 1, 0, 0, 0)


def pack(files: Mapping[str, bytes]) -> bytes:
    """An archive of the files in the order of their names, without times and uncompressed: weights do not shrink."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED) as archive:
        for name, content in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content)
    return whole.getvalue()


def unpack(raw: bytes) -> dict[str, bytes]:
    """What ``pack`` wrote; Permanent where the bytes are cut off or of another kind."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    except zipfile.BadZipFile as error:
        raise Permanent(FILE, expected="an archive, whole", found=f"{len(raw)} bytes: {error}") from error
