"""What is stored in ClickHouse: the store, migrations, the identity of the counts, and where each partition stands.

Nothing here counts, and nothing knows Faust.
"""
