-- title:  Monthly summary
-- about:  Sessions, owners, targets and commands by month.
-- param:  since  date  10y  sessions on or after this day
SELECT SUBSTR(CAST(s.at AS VARCHAR), 1, 7) AS month,
    COUNT(*) AS session_count,
    COUNT(DISTINCT s.owner) AS owner_count,
    COUNT(DISTINCT s.target) AS target_count,
    SUM(s.command_count) AS command_count,
    SUM(CASE WHEN s.flaws = '' THEN 0 ELSE 1 END) AS flawed_count
FROM sessions AS s
CROSS JOIN params AS p
WHERE s.at >= p.since
GROUP BY SUBSTR(CAST(s.at AS VARCHAR), 1, 7)
ORDER BY month;
