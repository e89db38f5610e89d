-- title:  Who ran a command like this
-- about:  One row per command that matches the pattern, newest session first;
--         confidence says how sure the text is.
-- param:  like   regex  .    what the command looks like
SELECT c.at_earliest, c.at_latest, c.owner, c.target, c.os_user, c.command, c.confidence, c.session_key, c.seq
FROM ran AS c
JOIN sessions AS s ON s.session_key = c.session_key
CROSS JOIN params AS p
WHERE REGEXP_LIKE(c.command, p.like)
ORDER BY s.at DESC, c.session_key, c.seq;
