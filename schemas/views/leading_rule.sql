-- The rule that figures of being on time are by where they name none, and when an open dossier is due soon: one row.
CREATE OR REPLACE VIEW leading_rule AS
SELECT
    '{leading_name}' AS rule,
    '{leading_vi}' AS name_vi,
    '{leading_en}' AS name_en,
    {due_soon_amount} AS due_soon_amount,
    '{due_soon_unit}' AS due_soon_unit
