ifNull(is_open AND NOT is_overdue AND due_at <= now64(6) + INTERVAL {due_soon_amount} HOUR, false)
