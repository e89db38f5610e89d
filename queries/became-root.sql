-- title:  Sessions that became root
-- about:  One row per session in which a root shell was opened or commands ran as root;
--         first_seq is where to start reading.
WITH rooted AS (
    SELECT c.session_key, MIN(c.seq) AS first_seq, COUNT(*) AS command_count
    FROM ran AS c
    WHERE c.os_user = 'root'
        OR REGEXP_LIKE(c.command, {{sudo-shell}}) OR REGEXP_LIKE(c.command, {{sudo-command}})
        OR REGEXP_LIKE(c.command, {{setuid}}) OR REGEXP_LIKE(c.command, {{nsenter}})
    GROUP BY c.session_key
)
SELECT s.at, s.at_from, s.owner, s.target, s.session_key, r.first_seq, r.command_count
FROM sessions AS s
JOIN rooted AS r ON r.session_key = s.session_key
ORDER BY s.at DESC, s.session_key;
