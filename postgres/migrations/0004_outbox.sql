-- The outbox: what is to be sent after the transaction that reserved it. It is the one table
-- that holds requests; they are deleted at their end.

CREATE SEQUENCE salebot.outgoing_sequence;
CREATE TABLE salebot.outgoing (
	name     text        NOT NULL COLLATE "C",
	key      text        NOT NULL COLLATE "C",
	request  bytea       NOT NULL,
	reserved timestamptz NOT NULL DEFAULT now(),
	attempts integer     NOT NULL DEFAULT 0,
	-- When it is tried next, or the time of who tries it ends; null if it was given up.
	due      timestamptz DEFAULT '-infinity',
	lease    bigint      NOT NULL DEFAULT 0,
	holder   bigint      NOT NULL DEFAULT 0,
	reason   text        NOT NULL DEFAULT '',
	PRIMARY KEY (name, key)
) WITH (autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX outgoing_due ON salebot.outgoing (name, due) WHERE due IS NOT NULL;
CREATE INDEX outgoing_holder ON salebot.outgoing (holder) WHERE holder <> 0;

-- take_outgoing gives requests to a process for a time.
CREATE FUNCTION salebot.take_outgoing(of_name text, number integer, duration interval, holder_id bigint)
	RETURNS TABLE (key text, request bytea, reserved timestamptz, attempt integer, lease bigint)
	LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
	PERFORM FROM salebot.holder h WHERE h.id = holder_id FOR KEY SHARE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'the process was taken for dead' USING ERRCODE = 'SB001';
	END IF;
	RETURN QUERY
	WITH due AS MATERIALIZED (
		SELECT o.name, o.key FROM salebot.outgoing o WHERE o.name = of_name AND o.due IS NOT NULL AND o.due <= clock_timestamp()
		ORDER BY o.due LIMIT number FOR UPDATE SKIP LOCKED
	)
	UPDATE salebot.outgoing o SET attempts = o.attempts + 1, due = clock_timestamp() + duration, lease = nextval('salebot.outgoing_sequence'), holder = holder_id
	FROM due d WHERE o.name = d.name AND o.key = d.key
	RETURNING o.key, o.request, o.reserved, o.attempts, o.lease;
END $$;

-- leave also lets others send at once what a process was to send.
CREATE OR REPLACE FUNCTION salebot.leave(holder_id bigint) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM salebot.holder WHERE id = holder_id;
	UPDATE salebot.outgoing o SET due = clock_timestamp(), lease = 0, holder = 0 WHERE o.holder = holder_id AND o.holder <> 0;
	RETURN salebot.abandon(holder_id, '{}');
END $$;

INSERT INTO salebot.migration (version) VALUES (4);
