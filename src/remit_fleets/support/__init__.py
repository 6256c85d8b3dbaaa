"""A support desk for an invented shop: customers write tickets, agents work through them under governance."""
