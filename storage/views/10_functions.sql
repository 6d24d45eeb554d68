-- Functions that queries over the audit views need. Public: see docs/sql.md.

-- A JSON text as json that every operator can look into. JSON allows \u0000 and halves of
-- surrogate pairs, PostgreSQL's text does not, and ->> fails on a document that has one
-- anywhere; they are left out here. Escapes are consumed from left to right, so that the
-- \\u0000 of an escaped backslash stays what it is.
CREATE OR REPLACE FUNCTION stepwell_json(document text) RETURNS json
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN strpos(document, '\u') = 0 THEN document
        ELSE regexp_replace(
            document,
            '(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}'
            '|\\[^u]'
            '|\\u(?!0000|[dD][89a-fA-F])[0-9a-fA-F]{4})'
            '|\\u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2})',
            '\1',
            'g'
        )
    END::json
$$;

-- A JSON text with its task tokens masked: whoever may read the log must not be able to
-- answer for a person. A token of the same execution begins with characters that are known
-- (base64url of version, shard and execution) and is found wherever it stands; one of
-- another execution is found where it stands alone.
CREATE OR REPLACE FUNCTION stepwell_masked(document text, shard integer, execution_id uuid)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN document IS NULL OR strpos(document, 'AQ') = 0 THEN document
        ELSE regexp_replace(
            regexp_replace(
                document,
                translate(
                    left(
                        encode(
                            '\x01'::bytea
                            || substring(int4send(shard) FROM 3)
                            || uuid_send(execution_id),
                            'base64'
                        ),
                        25
                    ),
                    '+/',
                    '-_'
                ) || '[A-Za-z0-9_-]{30}',
                '<task token>',
                'g'
            ),
            '(^|[^A-Za-z0-9_-]|\\[bfnrt]|\\u[0-9a-fA-F]{4})'
            'AQ[A-Za-z0-9_-]{53}(?![A-Za-z0-9_-])',
            '\1<task token>',
            'g'
        )
    END
$$;

-- Who asked for an event, by its memo: the name of an access key, or its id. NULL where no
-- signed request is behind it.
CREATE OR REPLACE FUNCTION stepwell_caller(memo text, member text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN strpos(memo, '"caller"') > 0
        THEN stepwell_json(memo) -> 'caller' ->> member
    END
$$;
