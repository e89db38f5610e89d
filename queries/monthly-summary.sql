-- title:  Monthly summary
-- about:  Sessions, owners, targets and commands that ran, by month.
WITH counts AS (
    SELECT c.session_key, COUNT(*) AS command_count
    FROM ran AS c
    GROUP BY c.session_key
)
SELECT SUBSTR(CAST(s.at AS VARCHAR), 1, 7) AS month,
    COUNT(*) AS session_count,
    COUNT(DISTINCT s.owner) AS owner_count,
    COUNT(DISTINCT s.target) AS target_count,
    SUM(COALESCE(n.command_count, 0)) AS command_count,
    SUM(CASE WHEN s.flaws = '' THEN 0 ELSE 1 END) AS flawed_count
FROM sessions AS s
LEFT JOIN counts AS n ON n.session_key = s.session_key
GROUP BY SUBSTR(CAST(s.at AS VARCHAR), 1, 7)
ORDER BY month;
