"""The pure core: from records to rows. It imports no client library and no other package of `streams`."""
