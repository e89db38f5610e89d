-- title:  Downloads that were executed
-- about:  Commands that fetch something and hand it to a shell or an interpreter, or make it
--         executable in the same breath.
-- param:  since  date  30d  sessions on or after this day
SELECT s.at, c.owner, c.target, c.os_user, c.command, c.kind, c.session_id, c.seq
FROM commands AS c
JOIN sessions AS s ON s.session_key = c.session_key
CROSS JOIN params AS p
WHERE s.at >= p.since
    AND c.kind <> 'possible'
    AND REGEXP_LIKE(c.command, '(curl|wget|fetch|aws s3 cp)[^|;&]*([|] *(sudo +)?(ba|da|z|k)?sh|[|] *(sudo +)?(python|perl|ruby|node)|[;&]+ *(sudo +)?(chmod [^;&]*[+]x|(ba|da|z|k)?sh |[.]/))')
ORDER BY s.at DESC, c.session_id, c.seq;
