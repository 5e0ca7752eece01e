-- The inbox. docs/postgres.md shows the tables to a person who has to look.

CREATE SCHEMA IF NOT EXISTS salebot;

-- Which of these files were applied.
CREATE TABLE salebot.migration (
	version integer PRIMARY KEY,
	applied timestamptz NOT NULL DEFAULT now()
);

-- The processes that have an inbox or a ledger open. One that does not renew its row in
-- time counts as dead.
CREATE TABLE salebot.holder (
	id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	expires timestamptz NOT NULL,
	started timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0);

-- The events that are still to be handled.
CREATE SEQUENCE salebot.event_sequence;
CREATE TABLE salebot.event (
	client    bigint      NOT NULL,
	endpoint  text        NOT NULL COLLATE "C",
	sequence  bigint      NOT NULL,
	message   bigint      NOT NULL,
	failed    boolean     NOT NULL,
	recovered boolean     NOT NULL,
	accepted  timestamptz NOT NULL,
	attempts  integer     NOT NULL DEFAULT 0,
	due       timestamptz,
	reason    text,
	body      bytea       NOT NULL,
	-- This order is what the next event of a client is found by, and there is no other
	-- index that a plan could take instead.
	PRIMARY KEY (client, endpoint, sequence)
) WITH (autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

-- A row for each client with events, so that they are handed out one at a time. An event
-- whose client is not known has a lane of its own, whose single is its sequence.
CREATE SEQUENCE salebot.lease_sequence;
CREATE TABLE salebot.lane (
	client   bigint  NOT NULL,
	single   bigint  NOT NULL,
	endpoint text    NOT NULL COLLATE "C",
	-- The event that is handed out next, or is handed out now.
	head     bigint  NOT NULL,
	-- How often it was handed out.
	attempts integer NOT NULL DEFAULT 0,
	-- When the delay or the lease ends; null if the head can be handed out.
	due      timestamptz,
	-- The lease and the process that has it; 0 for none.
	lease    bigint  NOT NULL DEFAULT 0,
	holder   bigint  NOT NULL DEFAULT 0,
	PRIMARY KEY (client, single, endpoint)
) WITH (fillfactor = 70, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX lane_ready ON salebot.lane (endpoint, head) WHERE due IS NULL;
CREATE INDEX lane_timed ON salebot.lane (endpoint, due) WHERE due IS NOT NULL;
CREATE INDEX lane_holder ON salebot.lane (holder) WHERE holder <> 0;

-- The messages that were accepted, whether they were handled or not.
CREATE TABLE salebot.seen (
	message  bigint      NOT NULL,
	failed   boolean     NOT NULL,
	endpoint text        NOT NULL COLLATE "C",
	client   bigint      NOT NULL,
	sequence bigint      NOT NULL,
	at       timestamptz NOT NULL,
	PRIMARY KEY (message, failed, endpoint)
) WITH (autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX seen_at ON salebot.seen (at);

-- The events that were given up.
CREATE TABLE salebot.dead_letter (
	endpoint  text        NOT NULL COLLATE "C",
	sequence  bigint      NOT NULL,
	client    bigint      NOT NULL,
	message   bigint      NOT NULL,
	failed    boolean     NOT NULL,
	recovered boolean     NOT NULL,
	accepted  timestamptz NOT NULL,
	attempts  integer     NOT NULL,
	reason    text        NOT NULL,
	buried    timestamptz NOT NULL,
	body      bytea       NOT NULL,
	PRIMARY KEY (endpoint, sequence)
);

-- renew says that a process lives for another time, and returns its number: a new one if
-- it had none or was taken for dead.
CREATE FUNCTION salebot.renew(holder_id bigint, lifetime interval) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	renewed bigint;
BEGIN
	UPDATE salebot.holder SET expires = clock_timestamp() + lifetime WHERE id = holder_id RETURNING id INTO renewed;
	IF NOT FOUND THEN
		INSERT INTO salebot.holder (expires) VALUES (clock_timestamp() + lifetime) RETURNING id INTO renewed;
	END IF;
	RETURN renewed;
END $$;

-- follow lets the next event of a lane be its head, or removes the lane if there is none.
-- The caller has locked the lane. It returns whether the head can be handed out.
CREATE FUNCTION salebot.follow(lane_client bigint, lane_single bigint, lane_endpoint text) RETURNS boolean LANGUAGE plpgsql
	SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
	next record;
BEGIN
	IF lane_single <> 0 THEN
		SELECT e.sequence, e.attempts, e.due INTO next FROM salebot.event e
		WHERE e.client = lane_client AND e.endpoint = lane_endpoint AND e.sequence = lane_single;
	ELSE
		SELECT e.sequence, e.attempts, e.due INTO next FROM salebot.event e
		WHERE e.client = lane_client AND e.endpoint = lane_endpoint ORDER BY e.sequence LIMIT 1;
	END IF;
	IF NOT FOUND THEN
		DELETE FROM salebot.lane l WHERE l.client = lane_client AND l.single = lane_single AND l.endpoint = lane_endpoint;
		RETURN false;
	END IF;
	IF next.due <= clock_timestamp() THEN
		next.due := NULL;
	END IF;
	UPDATE salebot.lane l SET head = next.sequence, attempts = next.attempts, due = next.due, lease = 0, holder = 0
	WHERE l.client = lane_client AND l.single = lane_single AND l.endpoint = lane_endpoint;
	RETURN next.due IS NULL;
END $$;

-- reclaim takes lanes back whose lease was lost. The caller has locked them.
CREATE FUNCTION salebot.reclaim(lost salebot.lane) RETURNS void LANGUAGE plpgsql
	SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
	IF lost.lease <> 0 THEN
		UPDATE salebot.event e SET attempts = lost.attempts
		WHERE e.client = lost.client AND e.endpoint = lost.endpoint AND e.sequence = lost.head;
	END IF;
	PERFORM salebot.follow(lost.client, lost.single, lost.endpoint);
END $$;

-- abandon takes back what a process has leased, without the leases that are named.
CREATE FUNCTION salebot.abandon(holder_id bigint, known bigint[]) RETURNS integer LANGUAGE plpgsql
	SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
	lost salebot.lane;
	number integer := 0;
BEGIN
	FOR lost IN SELECT * FROM salebot.lane l WHERE l.holder = holder_id AND l.holder <> 0 AND l.lease <> ALL (known)
		ORDER BY l.client, l.single, l.endpoint FOR UPDATE
	LOOP
		PERFORM salebot.reclaim(lost);
		number := number + 1;
	END LOOP;
	RETURN number;
END $$;

-- leave removes a process and takes back what it has leased.
CREATE FUNCTION salebot.leave(holder_id bigint) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM salebot.holder WHERE id = holder_id;
	RETURN salebot.abandon(holder_id, '{}');
END $$;

-- bury_holders does so with the processes that count as dead.
CREATE FUNCTION salebot.bury_holders() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	dead bigint;
	number integer := 0;
BEGIN
	FOR dead IN SELECT id FROM salebot.holder WHERE expires < clock_timestamp() ORDER BY id FOR UPDATE SKIP LOCKED LOOP
		number := number + salebot.leave(dead);
	END LOOP;
	RETURN number;
END $$;

-- put keeps events and returns their sequences, 0 for those that were known. Each is
-- grouped by index in the arrays. Locks are taken in one order by all: seen, then lanes.
CREATE FUNCTION salebot.put(endpoints text[], clients bigint[], messages bigint[], failures boolean[], recoveries boolean[], times timestamptz[], bodies bytea[])
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
	RETURN sequences;
END $$;

-- advance makes those lanes ready whose delay or lease has ended.
CREATE FUNCTION salebot.advance(for_endpoint text) RETURNS void LANGUAGE plpgsql
	SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
	timed salebot.lane;
BEGIN
	FOR timed IN SELECT * FROM salebot.lane l WHERE l.endpoint = for_endpoint AND l.due IS NOT NULL AND l.due <= clock_timestamp()
		ORDER BY l.due LIMIT 100 FOR UPDATE SKIP LOCKED
	LOOP
		PERFORM salebot.reclaim(timed);
	END LOOP;
END $$;

-- take leases the oldest events of an endpoint, each of another client. A process that
-- was taken for dead gets nothing: it has to renew first.
CREATE FUNCTION salebot.take(for_endpoint text, number integer, duration interval, holder_id bigint)
	RETURNS TABLE (client bigint, sequence bigint, message bigint, failed boolean, recovered boolean, accepted timestamptz, body bytea, attempt integer, lease bigint)
	LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
	lanes salebot.lane[];
BEGIN
	PERFORM FROM salebot.holder h WHERE h.id = holder_id FOR KEY SHARE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'the process was taken for dead' USING ERRCODE = 'SB001';
	END IF;
	PERFORM salebot.advance(for_endpoint);
	WITH ready AS MATERIALIZED (
		SELECT l.client, l.single, l.endpoint FROM salebot.lane l WHERE l.endpoint = for_endpoint AND l.due IS NULL
		ORDER BY l.head LIMIT number FOR UPDATE SKIP LOCKED
	), leased AS (
		UPDATE salebot.lane l SET attempts = l.attempts + 1, due = clock_timestamp() + duration, lease = nextval('salebot.lease_sequence'), holder = holder_id
		FROM ready r WHERE l.client = r.client AND l.single = r.single AND l.endpoint = r.endpoint
		RETURNING l.*
	)
	SELECT array_agg(leased::salebot.lane) INTO lanes FROM leased;
	-- A statement of its own, so that it sees an event that came just before its lane was
	-- locked.
	RETURN QUERY SELECT e.client, e.sequence, e.message, e.failed, e.recovered, e.accepted, e.body, l.attempts, l.lease
	FROM unnest(lanes) l JOIN salebot.event e ON e.client = l.client AND e.endpoint = l.endpoint AND e.sequence = l.head;
END $$;

-- next_due says in how many seconds the next delay or lease ends; null if there is none.
CREATE FUNCTION salebot.next_due(for_endpoint text) RETURNS double precision LANGUAGE plpgsql
	SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
	next timestamptz;
BEGIN
	SELECT l.due INTO next FROM salebot.lane l WHERE l.endpoint = for_endpoint AND l.due IS NOT NULL ORDER BY l.due LIMIT 1;
	RETURN extract(epoch FROM next - clock_timestamp());
END $$;

-- known says which messages were accepted before.
CREATE FUNCTION salebot.known(endpoints text[], messages bigint[], failures boolean[]) RETURNS boolean[] LANGUAGE plpgsql
	SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
	results boolean[] := '{}';
BEGIN
	FOR i IN 1 .. cardinality(messages) LOOP
		results := results || (messages[i] <> 0 AND EXISTS (
			SELECT FROM salebot.seen s WHERE s.message = messages[i] AND s.failed = failures[i] AND s.endpoint = endpoints[i]));
	END LOOP;
	RETURN results;
END $$;

-- settle ends leases, given in the order of their lanes. How is 0 to commit, 1 to release,
-- 2 to bury and 3 to give back as if it had not been handed out. It returns for each
-- whether the lease was lost (0), or the lane has another event that can be handed out
-- (2) or not (1).
CREATE FUNCTION salebot.settle(clients bigint[], endpoints text[], sequences bigint[], leases bigint[], how smallint[], delays interval[], reasons text[])
	RETURNS smallint[] LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
	results smallint[] := '{}';
	held salebot.lane;
	ready boolean;
BEGIN
	FOR i IN 1 .. cardinality(clients) LOOP
		SELECT * INTO held FROM salebot.lane l
		WHERE l.client = clients[i] AND l.single = CASE WHEN clients[i] = 0 THEN sequences[i] ELSE 0 END AND l.endpoint = endpoints[i] FOR UPDATE;
		IF NOT FOUND OR held.lease <> leases[i] OR held.head <> sequences[i] THEN
			results := results || 0::smallint;
			CONTINUE;
		END IF;
		IF how[i] = 1 THEN
			UPDATE salebot.event e SET attempts = held.attempts, reason = reasons[i],
				due = CASE WHEN delays[i] > interval '0' THEN clock_timestamp() + delays[i] END
			WHERE e.client = held.client AND e.endpoint = held.endpoint AND e.sequence = held.head;
		ELSIF how[i] = 3 THEN
			UPDATE salebot.event e SET attempts = held.attempts - 1
			WHERE e.client = held.client AND e.endpoint = held.endpoint AND e.sequence = held.head;
		ELSE
			IF how[i] = 2 THEN
				INSERT INTO salebot.dead_letter (endpoint, sequence, client, message, failed, recovered, accepted, attempts, reason, buried, body)
				SELECT e.endpoint, e.sequence, e.client, e.message, e.failed, e.recovered, e.accepted, held.attempts, reasons[i], clock_timestamp(), e.body
				FROM salebot.event e WHERE e.client = held.client AND e.endpoint = held.endpoint AND e.sequence = held.head;
			END IF;
			DELETE FROM salebot.event e WHERE e.client = held.client AND e.endpoint = held.endpoint AND e.sequence = held.head;
		END IF;
		-- A statement of its own, so that it sees what was put before the lane was locked.
		ready := salebot.follow(held.client, held.single, held.endpoint);
		results := results || CASE WHEN ready THEN 2 ELSE 1 END::smallint;
	END LOOP;
	RETURN results;
END $$;

-- redrive puts dead letters back, at most so many, with sequences after one. It returns
-- how many, and the last sequence.
CREATE FUNCTION salebot.redrive(for_endpoint text, wanted bigint[], every boolean, after bigint, number integer, OUT moved integer, OUT last bigint)
	LANGUAGE plpgsql AS $$
BEGIN
	WITH chosen AS MATERIALIZED (
		SELECT d.sequence FROM salebot.dead_letter d
		WHERE d.endpoint = for_endpoint AND d.sequence > after AND (every OR d.sequence = ANY (wanted))
		ORDER BY d.sequence LIMIT number FOR UPDATE
	), gone AS (
		DELETE FROM salebot.dead_letter d USING chosen c WHERE d.endpoint = for_endpoint AND d.sequence = c.sequence RETURNING d.*
	), back AS (
		INSERT INTO salebot.event (client, endpoint, sequence, message, failed, recovered, accepted, body)
		SELECT g.client, g.endpoint, g.sequence, g.message, g.failed, g.recovered, g.accepted, g.body FROM gone g
		RETURNING event.client, event.endpoint, event.sequence
	), lanes AS (
		INSERT INTO salebot.lane AS l (client, single, endpoint, head)
		SELECT b.client, CASE WHEN b.client = 0 THEN b.sequence ELSE 0 END, b.endpoint, min(b.sequence) FROM back b
		GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
		ON CONFLICT (client, single, endpoint) DO UPDATE SET head = excluded.head, attempts = 0, due = NULL
		WHERE excluded.head < l.head AND l.lease = 0
	)
	SELECT count(*), coalesce(max(b.sequence), after) INTO moved, last FROM back b;
END $$;

-- forget_seen deletes messages that were remembered long enough, at most so many.
CREATE FUNCTION salebot.forget_seen(before timestamptz, number integer) RETURNS integer LANGUAGE plpgsql
	SET enable_seqscan = off AS $$
DECLARE
	forgotten integer;
BEGIN
	WITH old AS MATERIALIZED (
		SELECT s.message, s.failed, s.endpoint FROM salebot.seen s WHERE s.at < before ORDER BY s.at LIMIT number FOR UPDATE SKIP LOCKED
	)
	DELETE FROM salebot.seen s USING old o WHERE s.message = o.message AND s.failed = o.failed AND s.endpoint = o.endpoint;
	GET DIAGNOSTICS forgotten = ROW_COUNT;
	RETURN forgotten;
END $$;

INSERT INTO salebot.migration (version) VALUES (1);
