-- title:  Commands seen on one target only
-- about:  Commands that were typed on a single target in the whole archive, rarest hands first;
--         what is done everywhere is routine, what is done once is not.
-- param:  since  date  30d  sessions on or after this day
WITH spread AS (
    SELECT c.command, COUNT(DISTINCT c.target) AS target_count, MIN(c.target) AS target,
        COUNT(*) AS times, MIN(c.session_id) AS session_id
    FROM ran AS c
    WHERE c.kind = 'shell'
    GROUP BY c.command
)
SELECT d.target, d.command, d.times, d.session_id
FROM spread AS d
JOIN sessions AS s ON s.session_id = d.session_id
CROSS JOIN params AS p
WHERE d.target_count = 1 AND s.at >= p.since
ORDER BY d.times, d.target, d.command;
