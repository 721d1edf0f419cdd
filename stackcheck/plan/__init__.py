"""Make a whole stack of a partial wish: the newest draft of it, and then the smallest change that works."""
