"""Software-defined assets: read, call, judge, write. No arithmetic and no SQL belongs here."""
