-- Queries that came later.

-- oldest returns when the first of the events that are still to be handled was accepted;
-- null if there is none. What can be handed out has its order in an index. Of the others,
-- which are few or wait for a delay, each lane is asked for its first event: if it is
-- leased, that may be one that was put back and comes before the head.
CREATE FUNCTION salebot.oldest(for_endpoint text) RETURNS timestamptz LANGUAGE plpgsql STABLE
	SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
	ready record;
	timed record;
BEGIN
	SELECT l.head, l.client INTO ready FROM salebot.lane l WHERE l.endpoint = for_endpoint AND l.due IS NULL ORDER BY l.head LIMIT 1;
	SELECT first.sequence, first.accepted INTO timed FROM salebot.lane l CROSS JOIN LATERAL (
		SELECT e.sequence, e.accepted FROM salebot.event e WHERE e.client = l.client AND e.endpoint = l.endpoint ORDER BY e.sequence LIMIT 1
	) AS first WHERE l.endpoint = for_endpoint AND l.due IS NOT NULL ORDER BY first.sequence LIMIT 1;
	IF ready.head IS NULL OR timed.sequence < ready.head THEN
		RETURN timed.accepted;
	END IF;
	RETURN (SELECT e.accepted FROM salebot.event e WHERE e.client = ready.client AND e.endpoint = for_endpoint AND e.sequence = ready.head);
END $$;

-- forget_seen never reads more rows than it deletes.
ALTER FUNCTION salebot.forget_seen(timestamptz, integer) SET enable_bitmapscan = off;

INSERT INTO salebot.migration (version) VALUES (5);
