-- One dossier as counts know it.
SELECT dossier, toString(agency), status, received_at, term, outcome_at, returned_at FROM dossiers WHERE dossier = %(dossier)s
