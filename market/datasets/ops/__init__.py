"""What the operation of the lake leaves behind: checks, quarantine, requests. Read at head."""
