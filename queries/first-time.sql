-- title:  First time an owner ran a program
-- about:  The first use of each program by each owner, if it was in one of the sessions asked for; a
--         new tool in old hands is worth a look.
WITH used AS (
    SELECT c.owner, s.at, CASE WHEN a.session_key IS NULL THEN NULL ELSE s.at END AS asked_at,
        CASE WHEN c.command LIKE 'sudo %' AND c.command NOT LIKE 'sudo -%' THEN SPLIT_PART(c.command, ' ', 2)
            ELSE SPLIT_PART(c.command, ' ', 1) END AS program
    FROM all_ran AS c
    JOIN all_sessions AS s ON s.session_key = c.session_key
    LEFT JOIN sessions AS a ON a.session_key = c.session_key
    WHERE c.kind = 'shell'
),
firsts AS (
    SELECT u.owner, u.program, MIN(u.at) AS first_at, MIN(u.asked_at) AS asked_at
    FROM used AS u
    GROUP BY u.owner, u.program
)
SELECT f.first_at, f.owner, f.program
FROM firsts AS f
WHERE f.first_at = f.asked_at
ORDER BY f.first_at DESC, f.owner, f.program;
