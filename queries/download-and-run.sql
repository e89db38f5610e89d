-- title:  Downloads that were executed
-- about:  Commands that fetch something and hand it to a shell or an interpreter, or make it
--         executable in the same breath.
SELECT c.at_earliest, c.at_latest, c.owner, c.target, c.os_user, c.command, c.kind, c.session_key, c.seq
FROM ran AS c
JOIN sessions AS s ON s.session_key = c.session_key
WHERE REGEXP_LIKE(c.command, {{pipe-to-shell}})
ORDER BY s.at DESC, c.session_key, c.seq;
