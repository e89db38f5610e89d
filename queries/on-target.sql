-- title:  What happened on one target
-- about:  Every command typed on an instance or task, in order of session.
-- param:  target  regex  .    which target
-- param:  since   date   30d  sessions on or after this day
SELECT s.at, c.owner, c.session_id, c.seq, c.os_user, c.cwd, c.command, c.kind
FROM ran AS c
JOIN sessions AS s ON s.session_key = c.session_key
CROSS JOIN params AS p
WHERE REGEXP_LIKE(COALESCE(c.target, '?'), p.target) AND s.at >= p.since
ORDER BY s.at, c.session_id, c.seq;
