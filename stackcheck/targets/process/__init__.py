"""Processes on this machine: started, identified, locked, stopped, listened to, and cleaned up after."""
