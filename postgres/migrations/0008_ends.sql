-- The end of a record is not waited for, so that a crash of the server can lose it. Its
-- process would know better, but all others would wait for it to end what it has ended.

-- confirm_ends ends those of the records given that were lost, and waits until all of them
-- are safe. Its arguments are those of end_records, whose versions keep it from changing
-- what others have taken over. It returns how many were lost, and fails for a process that
-- was taken for dead.
CREATE FUNCTION salebot.confirm_ends(holder_id bigint, calls integer[], keys uuid[], numbers integer[], versions bigint[], fresh bigint[], states smallint[], statuses integer[], answers text[])
	RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	waited_for text := current_setting('synchronous_commit');
	lost integer;
BEGIN
	-- The lock is written to the log, so that the commit waits.
	PERFORM FROM salebot.holder h WHERE h.id = holder_id FOR KEY SHARE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'the process was taken for dead' USING ERRCODE = 'SB001';
	END IF;
	SELECT count(*) INTO lost FROM salebot.end_records(calls, keys, numbers, versions, fresh, states, statuses, answers);
	PERFORM set_config('synchronous_commit', waited_for, true);
	RETURN lost;
END $$;

INSERT INTO salebot.migration (version) VALUES (8);
