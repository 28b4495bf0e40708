"""Late dossiers: the rule, the log of alerts, and their delivery."""
