-- title:  What one owner did in a window
-- about:  Every command of the sessions that an owner started, in order.
-- param:  owner  regex  .    who started the session
-- param:  since  date   30d  sessions on or after this day
-- param:  until  date   now  sessions before this day
SELECT s.at, c.session_id, c.seq, c.target, c.os_user, c.cwd, c.command, c.kind
FROM ran AS c
JOIN sessions AS s ON s.session_key = c.session_key
CROSS JOIN params AS p
WHERE REGEXP_LIKE(COALESCE(c.owner, '?'), p.owner) AND s.at >= p.since AND s.at < p.until
ORDER BY s.at, c.session_id, c.seq;
