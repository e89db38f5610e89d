-- title:  What happened on one target
-- about:  Every command that ran on an instance or task, in order of session; ask with --target.
SELECT c.at_earliest, c.at_latest, c.owner, c.session_key, c.seq, c.os_user, c.cwd, c.command, c.kind
FROM ran AS c
JOIN sessions AS s ON s.session_key = c.session_key
ORDER BY s.at, c.session_key, c.seq;
