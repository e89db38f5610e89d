-- title:  First time an owner ran a program
-- about:  The first use of each program by each owner, if it lies in the window; a new tool in
--         old hands is worth a look.
-- param:  since  date  30d  first uses on or after this day
WITH used AS (
    SELECT c.owner, s.at,
        CASE WHEN c.command LIKE 'sudo %' AND c.command NOT LIKE 'sudo -%' THEN SPLIT_PART(c.command, ' ', 2)
            ELSE SPLIT_PART(c.command, ' ', 1) END AS program
    FROM ran AS c
    JOIN sessions AS s ON s.session_key = c.session_key
    WHERE c.kind = 'shell'
),
firsts AS (
    SELECT u.owner, u.program, MIN(u.at) AS first_at
    FROM used AS u
    GROUP BY u.owner, u.program
)
SELECT f.first_at, f.owner, f.program
FROM firsts AS f
CROSS JOIN params AS p
WHERE f.first_at >= p.since
ORDER BY f.first_at DESC, f.owner, f.program;
