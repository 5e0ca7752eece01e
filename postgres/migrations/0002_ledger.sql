-- The ledger: the requests and the pieces of work that are executed once.

CREATE TABLE salebot.setting (
	name  text PRIMARY KEY,
	value bytea NOT NULL
);

-- Digests are 16 bytes, which is what the type uuid is.
CREATE TABLE salebot.record (
	key       uuid        NOT NULL,
	number    integer     NOT NULL,
	content   uuid,
	step      uuid,
	-- 0 begun, 1 accepted, 2 refused, 3 unknown.
	state     smallint    NOT NULL,
	version   bigint      NOT NULL,
	holder    bigint      NOT NULL,
	write_by  timestamptz,
	scheduled boolean     NOT NULL,
	-- What came before the request: whether a message is known, and which.
	anchored  boolean     NOT NULL,
	message   bigint      NOT NULL,
	server    timestamptz,
	status    integer     NOT NULL DEFAULT 0,
	ids       bigint[]    NOT NULL DEFAULT '{}',
	begun     timestamptz NOT NULL,
	ended     timestamptz,
	PRIMARY KEY (key, number)
) WITH (fillfactor = 80, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX record_content ON salebot.record (content) WHERE content IS NOT NULL;

-- bind ties the tables to a project and returns it with the secret: what is given if they
-- had none.
CREATE FUNCTION salebot.bind(given_project text, given_secret bytea, OUT project text, OUT secret bytea) LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO salebot.setting (name, value) VALUES ('project', convert_to(given_project, 'UTF8')), ('secret', given_secret) ON CONFLICT DO NOTHING;
	SELECT convert_from(s.value, 'UTF8') INTO project FROM salebot.setting s WHERE s.name = 'project';
	SELECT s.value INTO secret FROM salebot.setting s WHERE s.name = 'secret';
END $$;

-- The two functions that others call have no settings of their own: theirs hold.
--
-- over reports whether all records of a key are past their time. They go together: a
-- piece of work that is still tried needs what its first calls came to. A record that is
-- under way in a process that lives is not past its time.
CREATE FUNCTION salebot.over(of_key uuid, retention interval) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN NOT EXISTS (
		SELECT FROM salebot.record r WHERE r.key = of_key AND (
			greatest(r.begun, r.ended, r.write_by) >= clock_timestamp() - retention
			OR r.state = 0 AND EXISTS (SELECT FROM salebot.holder h WHERE h.id = r.holder AND h.expires >= clock_timestamp())));
END $$;

-- find returns the records of a key, and find_equal those of calls with a content.
CREATE FUNCTION salebot.find(of_key uuid, retention interval) RETURNS SETOF salebot.record LANGUAGE plpgsql STABLE
	SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
	IF NOT salebot.over(of_key, retention) THEN
		RETURN QUERY SELECT * FROM salebot.record r WHERE r.key = of_key ORDER BY r.number;
	END IF;
END $$;

CREATE FUNCTION salebot.find_equal(of_content uuid, retention interval) RETURNS SETOF salebot.record LANGUAGE plpgsql STABLE
	SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
	RETURN QUERY SELECT * FROM salebot.record r WHERE r.content = of_content AND NOT salebot.over(r.key, retention);
END $$;

-- begin_record records that a request is about to be sent, or a piece of work begins. It
-- returns when it was begun first, or null if the record is not as the caller knew it.
CREATE FUNCTION salebot.begin_record(new salebot.record, fresh bigint, retention interval) RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE
	present salebot.record;
	moment timestamptz := clock_timestamp();
	past boolean;
BEGIN
	-- Most keys are new, and this is all that has to be asked for one.
	IF NOT EXISTS (SELECT FROM salebot.record r WHERE r.key = new.key) THEN
		past := true;
	ELSE
		SELECT * INTO present FROM salebot.record r WHERE r.key = new.key AND r.number = new.number FOR UPDATE;
		past := salebot.over(new.key, retention);
		IF past AND new.version = 0 THEN
			-- What is past its time must not look younger because of what is new.
			DELETE FROM salebot.record r WHERE r.key = new.key;
		END IF;
	END IF;
	IF present.key IS NULL OR past THEN
		IF new.version <> 0 THEN
			RETURN NULL;
		END IF;
		INSERT INTO salebot.record (key, number, content, step, state, version, holder, write_by, scheduled, anchored, message, server, begun)
		VALUES (new.key, new.number, new.content, new.step, 0, fresh, new.holder, new.write_by, new.scheduled, new.anchored, new.message, new.server, moment)
		ON CONFLICT DO NOTHING;
		IF NOT FOUND THEN
			RETURN NULL;
		END IF;
		RETURN moment;
	END IF;
	IF present.version <> new.version THEN
		RETURN NULL;
	END IF;
	UPDATE salebot.record r SET content = new.content, step = new.step, state = 0, version = fresh, holder = new.holder, write_by = new.write_by,
		scheduled = new.scheduled, anchored = new.anchored, message = new.message, server = new.server, status = 0, ids = '{}', ended = NULL
	WHERE r.key = new.key AND r.number = new.number;
	RETURN present.begun;
END $$;

-- begin_records does so with the records of several calls; those of one call are begun
-- all or none. The arrays have one element for each record, and calls says which call it
-- belongs to, one after the other. Fresh are the new versions, which the caller chooses,
-- so that he can ask for them if he does not hear the answer. It returns when they were
-- begun first, null for those of a call that was refused. It fails for a process that was
-- taken for dead.
CREATE FUNCTION salebot.begin_records(holder_id bigint, retention interval, calls integer[], keys uuid[], numbers integer[], contents uuid[], steps uuid[],
	versions bigint[], fresh bigint[], write_bys timestamptz[], scheduleds boolean[], anchoreds boolean[], messages bigint[], servers timestamptz[])
	RETURNS timestamptz[] LANGUAGE plpgsql
	SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
	results timestamptz[] := '{}';
	part timestamptz[];
	first integer := 1;
	last integer;
	new salebot.record;
BEGIN
	PERFORM FROM salebot.holder h WHERE h.id = holder_id AND h.expires >= clock_timestamp() FOR KEY SHARE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'the process was taken for dead' USING ERRCODE = 'SB001';
	END IF;
	-- Only the records of calls have to be safe when this returns.
	IF (SELECT bool_and(c IS NULL) FROM unnest(contents) AS c) THEN
		PERFORM set_config('synchronous_commit', 'off', true);
	END IF;
	WHILE first <= cardinality(calls) LOOP
		last := first;
		WHILE last < cardinality(calls) AND calls[last + 1] = calls[first] LOOP
			last := last + 1;
		END LOOP;
		part := '{}';
		-- The block, which can be undone, costs a transaction of its own.
		IF first = last THEN
			new := ROW(keys[first], numbers[first], contents[first], steps[first], 0, versions[first], holder_id, write_bys[first], scheduleds[first], anchoreds[first], messages[first], servers[first], 0, '{}', NULL, NULL);
			results := results || salebot.begin_record(new, fresh[first], retention);
			first := first + 1;
			CONTINUE;
		END IF;
		BEGIN
			FOR i IN first .. last LOOP
				new := ROW(keys[i], numbers[i], contents[i], steps[i], 0, versions[i], holder_id, write_bys[i], scheduleds[i], anchoreds[i], messages[i], servers[i], 0, '{}', NULL, NULL);
				part := part || salebot.begin_record(new, fresh[i], retention);
				IF part[cardinality(part)] IS NULL THEN
					RAISE EXCEPTION 'taken' USING ERRCODE = 'SB002';
				END IF;
			END LOOP;
		EXCEPTION WHEN SQLSTATE 'SB002' THEN
			part := array_fill(NULL::timestamptz, ARRAY[last - first + 1]);
		END;
		results := results || part;
		first := last + 1;
	END LOOP;
	RETURN results;
END $$;

-- end_records records what became of requests and pieces of work, those of one call all or
-- none. Answers are the ids, as texts of arrays. It returns the records as they are
-- stored; those of a call that was refused are missing. If this is lost with the server,
-- the records are as they were.
CREATE FUNCTION salebot.end_records(calls integer[], keys uuid[], numbers integer[], versions bigint[], fresh bigint[], states smallint[], statuses integer[], answers text[])
	RETURNS SETOF salebot.record LANGUAGE plpgsql
	SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
	ended salebot.record;
	part salebot.record[];
	first integer := 1;
	last integer;
BEGIN
	PERFORM set_config('synchronous_commit', 'off', true);
	WHILE first <= cardinality(calls) LOOP
		last := first;
		WHILE last < cardinality(calls) AND calls[last + 1] = calls[first] LOOP
			last := last + 1;
		END LOOP;
		part := '{}';
		-- In one order, so that two transactions do not wait for each other.
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

-- sweep deletes the records past their time among the next so many keys after one. It
-- returns the last of these keys; null if there were none.
CREATE FUNCTION salebot.sweep(after uuid, number integer, retention interval) RETURNS uuid LANGUAGE plpgsql
	SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
	upcoming uuid[];
BEGIN
	SELECT array_agg(k.key ORDER BY k.key) INTO upcoming
	FROM (SELECT r.key FROM salebot.record r WHERE r.key > after ORDER BY r.key, r.number LIMIT sweep.number) AS k;
	DELETE FROM salebot.record r WHERE r.key = ANY (upcoming) AND salebot.over(r.key, retention);
	RETURN upcoming[cardinality(upcoming)];
END $$;

INSERT INTO salebot.migration (version) VALUES (2);
