"""What travels and what is stored: no I/O in here."""
