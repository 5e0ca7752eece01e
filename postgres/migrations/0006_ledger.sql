-- The ledger, faster: calls with one record, which most are, take one statement together
-- and not a loop.

-- begin_records does what it did.
CREATE OR REPLACE FUNCTION salebot.begin_records(holder_id bigint, retention interval, calls integer[], keys uuid[], numbers integer[], contents uuid[], steps uuid[],
	versions bigint[], fresh bigint[], write_bys timestamptz[], scheduleds boolean[], anchoreds boolean[], messages bigint[], servers timestamptz[])
	RETURNS timestamptz[] LANGUAGE plpgsql
	SET enable_seqscan = off SET enable_bitmapscan = off SET enable_nestloop = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
	results timestamptz[];
	part timestamptz[];
	first integer := 1;
	last integer;
	new salebot.record;
	moment timestamptz := clock_timestamp();
BEGIN
	PERFORM FROM salebot.holder h WHERE h.id = holder_id AND h.expires >= clock_timestamp() FOR KEY SHARE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'the process was taken for dead' USING ERRCODE = 'SB001';
	END IF;
	-- Only the records of calls have to be safe when this returns.
	IF (SELECT bool_and(c IS NULL) FROM unnest(contents) AS c) THEN
		PERFORM set_config('synchronous_commit', 'off', true);
	END IF;
	-- Keys of which nothing is known. The subquery is asked for each by the index: a join
	-- that was planned while the table was empty would read all of it.
	WITH input AS MATERIALIZED (
		SELECT i.*, count(*) OVER (PARTITION BY i.call) AS together
		FROM unnest(calls, keys, numbers, contents, steps, versions, fresh, write_bys, scheduleds, anchoreds, messages, servers) WITH ORDINALITY
			AS i (call, key, number, content, step, version, fresh, write_by, scheduled, anchored, message, server, place)
	), begun AS (
		INSERT INTO salebot.record (key, number, content, step, state, version, holder, write_by, scheduled, anchored, message, server, begun)
		SELECT i.key, i.number, i.content, i.step, 0, i.fresh, holder_id, i.write_by, i.scheduled, i.anchored, i.message, i.server, moment FROM input i
		WHERE i.together = 1 AND i.version = 0 AND (SELECT r.number FROM salebot.record r WHERE r.key = i.key LIMIT 1) IS NULL
		ORDER BY i.key, i.number
		ON CONFLICT DO NOTHING RETURNING record.version
	)
	SELECT array_agg(CASE WHEN b.version IS NOT NULL THEN moment END ORDER BY i.place) INTO results FROM input i LEFT JOIN begun b ON b.version = i.fresh;
	WHILE first <= cardinality(calls) LOOP
		last := first;
		WHILE last < cardinality(calls) AND calls[last + 1] = calls[first] LOOP
			last := last + 1;
		END LOOP;
		-- The block, which can be undone, costs a transaction of its own.
		IF first = last THEN
			IF results[first] IS NULL THEN
				new := ROW(keys[first], numbers[first], contents[first], steps[first], 0, versions[first], holder_id, write_bys[first], scheduleds[first], anchoreds[first], messages[first], servers[first], 0, '{}', NULL, NULL);
				results[first] := salebot.begin_record(new, fresh[first], retention);
			END IF;
			first := first + 1;
			CONTINUE;
		END IF;
		part := '{}';
		BEGIN
			FOR i IN first .. last LOOP
				new := ROW(keys[i], numbers[i], contents[i], steps[i], 0, versions[i], holder_id, write_bys[i], scheduleds[i], anchoreds[i], messages[i], servers[i], 0, '{}', NULL, NULL);
				part := part || salebot.begin_record(new, fresh[i], retention);
				IF part[cardinality(part)] IS NULL THEN
					RAISE EXCEPTION 'taken' USING ERRCODE = 'SB002';
				END IF;
			END LOOP;
			results[first:last] := part;
		EXCEPTION WHEN SQLSTATE 'SB002' THEN
			NULL; -- they stay null
		END;
		first := last + 1;
	END LOOP;
	RETURN results;
END $$;

-- end_records does what it did.
CREATE OR REPLACE FUNCTION salebot.end_records(calls integer[], keys uuid[], numbers integer[], versions bigint[], fresh bigint[], states smallint[], statuses integer[], answers text[])
	RETURNS SETOF salebot.record LANGUAGE plpgsql
	SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
	ended salebot.record;
	part salebot.record[];
	first integer := 1;
	last integer;
BEGIN
	PERFORM set_config('synchronous_commit', 'off', true);
	-- All transactions lock records in one order.
	RETURN QUERY WITH input AS MATERIALIZED (
		SELECT i.*, count(*) OVER (PARTITION BY i.call) AS together
		FROM unnest(calls, keys, numbers, versions, fresh, states, statuses, answers) AS i (call, key, number, version, fresh, state, status, answer)
		ORDER BY i.key, i.number
	)
	UPDATE salebot.record r SET state = i.state, status = i.status, ids = i.answer::bigint[], ended = clock_timestamp(), version = i.fresh
	FROM input i WHERE i.together = 1 AND r.key = i.key AND r.number = i.number AND r.version = i.version
	RETURNING r.*;
	WHILE first <= cardinality(calls) LOOP
		last := first;
		WHILE last < cardinality(calls) AND calls[last + 1] = calls[first] LOOP
			last := last + 1;
		END LOOP;
		IF first = last THEN
			first := first + 1;
			CONTINUE;
		END IF;
		part := '{}';
		PERFORM FROM salebot.record r WHERE (r.key, r.number) IN (SELECT * FROM unnest(keys[first:last], numbers[first:last])) ORDER BY r.key, r.number FOR UPDATE;
		FOR i IN first .. last LOOP
			SELECT * INTO ended FROM salebot.record r WHERE r.key = keys[i] AND r.number = numbers[i] AND r.version = versions[i];
			EXIT WHEN NOT FOUND;
			part := part || ended;
		END LOOP;
		IF cardinality(part) = last - first + 1 THEN
			FOR i IN first .. last LOOP
				UPDATE salebot.record r SET state = states[i], status = statuses[i], ids = answers[i]::bigint[], ended = clock_timestamp(), version = fresh[i]
				WHERE r.key = keys[i] AND r.number = numbers[i] RETURNING r.* INTO ended;
				RETURN NEXT ended;
			END LOOP;
		END IF;
		first := last + 1;
	END LOOP;
END $$;

INSERT INTO salebot.migration (version) VALUES (6);
