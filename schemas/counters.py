"""The counters of a window: numerators and denominators, never a rate."""

COUNTERS: dict[str, str] = {
    "received": "dossiers received",
    "received_online": "dossiers received online",
    "received_postal": "dossiers received by public post",
    "fee_bearing": "received dossiers that bear a fee",
    "fee_paid_online": "received fee-bearing dossiers with an online payment that was not given back whole",
    "resolved": "dossiers resolved with a result",
    "resolved_on_time": "resolved dossiers within their current term, or without one",
    "resolved_early": "resolved dossiers on a local day before that of their current term",
    "resolved_electronically": "resolved dossiers whose result is an electronic file",
    "returned": "results handed to the citizen",
    "withdrawn": "dossiers withdrawn by the citizen",
    "refused": "dossiers refused",
    "stopped": "dossiers stopped without a result",
    "extensions": "extensions of terms",
    "supplements": "requests for supplements",
    "payments": "payments confirmed",
    "payments_online": "payments confirmed online",
    "paid_amount": "sum of payments in whole units of the currency",
    "refunds": "payments given back, in whole or in part",
    "refunded_amount": "sum given back in whole units of the currency",
    "digitisations": "dossiers whose digitisation is known",
    "components": "components of those dossiers",
    "components_digitised": "digitised components",
    "components_reused": "components taken from data digitised before",
    "rated": "dossiers rated by the citizen",
    "satisfied": "rated dossiers whose citizen was satisfied",
    "feedback_received": "feedback cases received",
    "feedback_answered": "feedback cases answered",
    "feedback_on_time": "answered feedback cases within their current term, or without one",
    "feedback_rated": "feedback cases rated by the citizen",
    "feedback_satisfied": "rated feedback cases whose citizen was satisfied",
}
"""Every counter with what it counts, in the order in which rows carry them."""

WINDOW_SECONDS = 300
"""Base windows are tumbling and five minutes long, aligned in UTC; longer periods are sums of them."""
