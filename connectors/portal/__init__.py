"""The receiver of what one-stop systems synchronise with the national portal: snapshots become the events they imply.

No snapshot is remembered. A record of the same content has the same event id, and of two records of one fact the one
that was told later holds: a repeated snapshot adds nothing, a later one corrects what differs.
"""
