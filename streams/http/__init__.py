"""HTTP that is bounded: a small server beside the work, and a client for servers that may be broken."""
