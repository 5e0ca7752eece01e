-- What a person has to know: which part of a process each row of holder is, and what was
-- taken over when one died.

ALTER TABLE salebot.holder ADD COLUMN part text NOT NULL DEFAULT '';

-- report says that a part of a process lives for another time, and returns its number: a
-- new one if it had none or was taken for dead. Processes of older versions use renew.
CREATE FUNCTION salebot.report(holder_id bigint, lifetime interval, of_part text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	renewed bigint;
BEGIN
	UPDATE salebot.holder SET expires = clock_timestamp() + lifetime WHERE id = holder_id RETURNING id INTO renewed;
	IF NOT FOUND THEN
		INSERT INTO salebot.holder (expires, part) VALUES (clock_timestamp() + lifetime, of_part) RETURNING id INTO renewed;
	END IF;
	RETURN renewed;
END $$;

-- bury_dead takes back what those had begun that count as dead, and returns a row for
-- each: how many events and requests of an outbox others can take at once. The calls that
-- a ledger had under way are taken over by those who make them again.
CREATE FUNCTION salebot.bury_dead() RETURNS TABLE (part text, started timestamptz, events integer, requests integer) LANGUAGE plpgsql
	SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
	dead record;
BEGIN
	FOR dead IN SELECT h.id, h.part, h.started FROM salebot.holder h WHERE h.expires < clock_timestamp() ORDER BY h.id FOR UPDATE SKIP LOCKED LOOP
		part := dead.part;
		started := dead.started;
		SELECT count(*) INTO requests FROM salebot.outgoing o WHERE o.holder = dead.id AND o.holder <> 0;
		events := salebot.leave(dead.id);
		RETURN NEXT;
	END LOOP;
END $$;

-- A plan that was made on an empty table would read all of it later.
ALTER FUNCTION salebot.leave(bigint) SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan;

-- The requests that were given up are found among many that wait.
CREATE INDEX outgoing_failed ON salebot.outgoing (name, reserved, key) WHERE due IS NULL;

INSERT INTO salebot.migration (version) VALUES (9);
