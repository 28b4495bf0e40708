"""What is kept in ClickHouse: the store, migrations, and which counts a deployment has."""
