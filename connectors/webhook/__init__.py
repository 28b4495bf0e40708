"""The webhook: signed JSON over HTTP, mapped as files and topics are, and put into the inbox."""
