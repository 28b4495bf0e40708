"""The pure core: from records to rows. Of `streams` it imports the rules of being on time alone; no client library."""
