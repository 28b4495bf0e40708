-- Cases that have 800 registers or more, of the thousand payments, refunds, extensions and the like that a case may have.
-- What comes to a full one with a new number is a dead letter of the reason `full`; `refused` says how many came.
CREATE OR REPLACE VIEW crowded_dossiers AS
SELECT
    dossier,
    agency,
    case_kind,
    voided,
    -- How a packed map begins: with how many entries it has.
    reinterpretAsUInt16(reverse(substring(registers, 2, 2))) AS registers,
    length(payment_at) AS payments,
    length(refund_at) AS refunds,
    length(extended_at) AS extensions,
    length(supplement_requested_at) AS supplements,
    letters.refused AS refused
FROM facts FINAL
LEFT JOIN
(
    SELECT JSONExtractString(content, 'dossier') AS dossier, count() AS refused
    FROM dead_letters FINAL
    WHERE reason = 'full'
    GROUP BY dossier
) AS letters USING (dossier)
-- A register has some 40 bytes at least, and the length alone is soon read.
WHERE length(facts.registers) >= 800 * 32 AND reinterpretAsUInt16(reverse(substring(facts.registers, 2, 2))) >= 800
SETTINGS join_use_nulls = 0
