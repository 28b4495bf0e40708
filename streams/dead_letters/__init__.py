"""Dead letters: the topic, the table, and the rules for replaying them. No rule of counting may be here."""
