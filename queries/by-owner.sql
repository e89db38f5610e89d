-- title:  What one owner did
-- about:  Every command of the sessions asked for, in order; ask with --owner.
SELECT c.at_earliest, c.at_latest, c.session_key, c.seq, c.target, c.os_user, c.cwd, c.command, c.kind
FROM ran AS c
JOIN sessions AS s ON s.session_key = c.session_key
ORDER BY s.at, c.session_key, c.seq;
