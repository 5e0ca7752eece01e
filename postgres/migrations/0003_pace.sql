-- The pace: one row for each, which hands out the moments at which requests may start.

CREATE TABLE salebot.pace (
	-- A keyed digest of the name.
	name    bytea            PRIMARY KEY,
	-- The next moment that was not handed out.
	next    timestamptz      NOT NULL,
	-- The part of the rate that is used at present, since when, and until when nothing
	-- starts because of an answer of 429.
	part    double precision NOT NULL DEFAULT 1,
	changed timestamptz      NOT NULL,
	held    timestamptz      NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0);

-- pace_secret returns what keys the digests: what is given if there was none.
CREATE FUNCTION salebot.pace_secret(given bytea) RETURNS bytea LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO salebot.setting (name, value) VALUES ('pace secret', given) ON CONFLICT DO NOTHING;
	RETURN (SELECT value FROM salebot.setting WHERE name = 'pace secret');
END $$;

-- grant_starts hands out a number of moments. Burst is for how long a moment may be used
-- after it has come, so that those of a quiet time before can be used at once. It returns
-- in how many seconds the first one comes, which can be below 0, and the time between two.
CREATE FUNCTION salebot.grant_starts(of_name bytea, rate double precision, burst double precision, number integer, OUT first double precision, OUT step double precision)
	LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
	moment timestamptz;
	row salebot.pace;
BEGIN
	SELECT * INTO row FROM salebot.pace p WHERE p.name = of_name FOR UPDATE;
	IF NOT FOUND THEN
		INSERT INTO salebot.pace (name, next, changed, held) VALUES (of_name, '-infinity', clock_timestamp(), '-infinity') ON CONFLICT DO NOTHING;
		SELECT * INTO row FROM salebot.pace p WHERE p.name = of_name FOR UPDATE;
	END IF;
	-- The time after the row was locked.
	moment := clock_timestamp();
	row.part := least(1, row.part + 0.02 * greatest(0, extract(epoch FROM moment - row.changed)));
	step := 1 / (rate * row.part);
	row.next := greatest(row.next, row.held, moment - make_interval(secs => burst));
	first := extract(epoch FROM row.next - moment);
	UPDATE salebot.pace p SET next = row.next + make_interval(secs => step * number), part = row.part, changed = moment WHERE p.name = of_name;
END $$;

-- hold_starts lets nothing start for a time, and the rest more slowly. An answer to a
-- request that started before the hold says nothing new of the rate.
CREATE FUNCTION salebot.hold_starts(of_name bytea, seconds double precision) RETURNS void LANGUAGE plpgsql
	SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
	UPDATE salebot.pace p SET
		part = CASE WHEN p.held > clock_timestamp() THEN p.part
			ELSE greatest(0.05, 0.7 * least(1, p.part + 0.02 * greatest(0, extract(epoch FROM clock_timestamp() - p.changed)))) END,
		changed = greatest(p.changed, clock_timestamp()),
		held = greatest(p.held, clock_timestamp() + make_interval(secs => seconds))
	WHERE p.name = of_name;
END $$;

INSERT INTO salebot.migration (version) VALUES (3);
