-- One row, always: seconds since an audit ended or, where none ever did, since counting began; 0 before that.
SELECT toFloat64(ifNull(
    dateDiff(
        'second',
        coalesce((SELECT maxOrNull(at) FROM audits), (SELECT minOrNull(changed_at) FROM deployment)),
        now()),
    0)) AS value
