-- title:  Downloads that were executed
-- about:  Commands that fetch something and hand it to a shell or an interpreter, or make it
--         executable in the same breath.
-- param:  since  date  30d  sessions on or after this day
SELECT s.at, c.owner, c.target, c.os_user, c.command, c.kind, c.session_id, c.seq
FROM ran AS c
JOIN sessions AS s ON s.session_key = c.session_key
CROSS JOIN params AS p
WHERE s.at >= p.since
    AND REGEXP_LIKE(c.command, {{pipe-to-shell}})
ORDER BY s.at DESC, c.session_id, c.seq;
