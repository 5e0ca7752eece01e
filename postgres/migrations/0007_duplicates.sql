-- An event that is known is acknowledged like a new one, so what is known must be as safe.
-- A commit that waited for a standby in vain can be read all the same: after a crash of the
-- server, or if the one who waited went away. A transaction that only reads it would wait
-- for nobody, and the standby may become the server. So a known message is locked: that is
-- written to the log, and the commit waits until the standby has it and all before it.

-- confirm lets the transaction wait for a message that is known, and returns whether it is.
CREATE FUNCTION salebot.confirm(of_endpoint text, of_message bigint, of_failed boolean) RETURNS boolean LANGUAGE plpgsql
	SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
	PERFORM FROM salebot.seen s WHERE s.message = of_message AND s.failed = of_failed AND s.endpoint = of_endpoint FOR KEY SHARE;
	RETURN FOUND;
END $$;

-- put does what it did, and waits for what was known.
CREATE OR REPLACE FUNCTION salebot.put(endpoints text[], clients bigint[], messages bigint[], failures boolean[], recoveries boolean[], times timestamptz[], bodies bytea[])
	RETURNS bigint[] LANGUAGE plpgsql SET enable_nestloop = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
	sequences bigint[];
	next bigint;
BEGIN
	-- One event by itself is kept by plain statements, which take half the time.
	IF cardinality(clients) = 1 THEN
		next := nextval('salebot.event_sequence');
		IF messages[1] <> 0 THEN
			INSERT INTO salebot.seen (message, failed, endpoint, client, sequence, at)
			VALUES (messages[1], failures[1], endpoints[1], clients[1], next, now()) ON CONFLICT DO NOTHING;
			IF NOT FOUND THEN
				PERFORM salebot.confirm(endpoints[1], messages[1], failures[1]);
				RETURN '{0}';
			END IF;
		END IF;
		INSERT INTO salebot.event (client, endpoint, sequence, message, failed, recovered, accepted, body)
		VALUES (clients[1], endpoints[1], next, messages[1], failures[1], recoveries[1], times[1], bodies[1]);
		INSERT INTO salebot.lane AS l (client, single, endpoint, head)
		VALUES (clients[1], CASE WHEN clients[1] = 0 THEN next ELSE 0 END, endpoints[1], next)
		ON CONFLICT (client, single, endpoint) DO UPDATE SET head = excluded.head, attempts = 0, due = NULL
		WHERE excluded.head < l.head AND l.lease = 0;
		RETURN ARRAY[next];
	END IF;
	WITH input AS MATERIALIZED (
		SELECT nextval('salebot.event_sequence') AS sequence, i.*
		FROM unnest(endpoints, clients, messages, failures, recoveries, times, bodies) AS i (endpoint, client, message, failed, recovered, accepted, body)
	), fresh AS (
		INSERT INTO salebot.seen (message, failed, endpoint, client, sequence, at)
		SELECT i.message, i.failed, i.endpoint, i.client, i.sequence, now() FROM input i WHERE i.message <> 0
		ORDER BY i.message, i.failed, i.endpoint COLLATE "C", i.sequence
		ON CONFLICT DO NOTHING RETURNING seen.sequence
	), kept AS (
		INSERT INTO salebot.event (client, endpoint, sequence, message, failed, recovered, accepted, body)
		SELECT i.client, i.endpoint, i.sequence, i.message, i.failed, i.recovered, i.accepted, i.body FROM input i
		WHERE i.message = 0 OR i.sequence IN (SELECT f.sequence FROM fresh f)
		RETURNING event.client, event.endpoint, event.sequence
	), lanes AS (
		INSERT INTO salebot.lane AS l (client, single, endpoint, head)
		SELECT k.client, CASE WHEN k.client = 0 THEN k.sequence ELSE 0 END AS single, k.endpoint, min(k.sequence) FROM kept k
		GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
		ON CONFLICT (client, single, endpoint) DO UPDATE SET head = excluded.head, attempts = 0, due = NULL
		WHERE excluded.head < l.head AND l.lease = 0
	)
	SELECT array_agg(coalesce(k.sequence, 0) ORDER BY i.sequence) INTO sequences FROM input i LEFT JOIN kept k ON k.sequence = i.sequence;
	FOR i IN 1 .. cardinality(sequences) LOOP
		IF sequences[i] = 0 THEN
			PERFORM salebot.confirm(endpoints[i], messages[i], failures[i]);
		END IF;
	END LOOP;
	RETURN sequences;
END $$;

-- known does what it did, and waits for what is known.
CREATE OR REPLACE FUNCTION salebot.known(endpoints text[], messages bigint[], failures boolean[]) RETURNS boolean[] LANGUAGE plpgsql AS $$
DECLARE
	results boolean[] := '{}';
BEGIN
	FOR i IN 1 .. cardinality(messages) LOOP
		results := results || (messages[i] <> 0 AND salebot.confirm(endpoints[i], messages[i], failures[i]));
	END LOOP;
	RETURN results;
END $$;

INSERT INTO salebot.migration (version) VALUES (7);
