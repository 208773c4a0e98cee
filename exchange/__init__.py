"""A simulated outside world that speaks the real wire formats over HTTP, with known truth. Start with exchange.server."""
