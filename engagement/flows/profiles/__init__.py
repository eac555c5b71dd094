"""What a visitor's past comes to in numbers: made in bulk, read for one."""
