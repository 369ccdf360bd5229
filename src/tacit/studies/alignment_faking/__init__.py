"""Row 7: policies that act by whether they are monitored, and what training makes of them."""
