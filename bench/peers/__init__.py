"""What people would use instead, each written as its own documentation would write it, in a process of its own."""
