"""Reference data without I/O: agencies, procedures and officials, the tree they form, its checks and its changes."""
