-- title:  Commands seen on one target only
-- about:  Commands of the sessions asked for that ran on a single target of the whole archive, rarest
--         first; what is done everywhere is routine, what is done once is not.
WITH spread AS (
    SELECT c.command, COUNT(DISTINCT COALESCE(c.target, '?')) AS target_count
    FROM all_ran AS c
    WHERE c.kind = 'shell'
    GROUP BY c.command
)
SELECT c.target, c.command, COUNT(*) AS times, MIN(c.session_key) AS session_key
FROM ran AS c
JOIN spread AS d ON d.command = c.command
WHERE d.target_count = 1 AND c.kind = 'shell'
GROUP BY c.target, c.command
ORDER BY times, c.target, c.command;
