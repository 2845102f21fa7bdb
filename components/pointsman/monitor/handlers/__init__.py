"""What is done about an event; each handler may be called again with the same event and then changes nothing."""
