-- name: send
-- Letters to other engines. Notifications only: the tables are the truth.
SELECT pg_notify(parcel.channel, parcel.payload)
FROM unnest(%(channels)s::text[], %(payloads)s::text[])
    WITH ORDINALITY AS parcel (channel, payload, position)
ORDER BY parcel.position;
