"""Routing: records of other topics become events, each exactly once. How a record is read is given from outside."""
