-- The account that runs share: how many sessions live at once, how many a day, how many requests a minute.
-- Rows are locked in one order everywhere: lease, account, slot. What is counted is counted after the account's row is
-- locked, by a statement of its own: one that locks and counts would count what was there before it waited.

-- @ is the schema of the runs, ~ that of the account: as a rule the same. Teams that must not read one another have a schema
-- each, and the account stands in another: these functions and views may use it, whoever calls them may not. A run's number
-- there is its own one and the base of its schema.

-- One whose run has said nothing of it for a day is over: whoever could have seen its end has lost the ledger.
CREATE OR REPLACE VIEW @slots_in_use AS
    SELECT n, account, run, epoch, task, session, lost, reserved_at, until FROM @slots
    WHERE ended_at IS NULL AND coalesce(until > clock_timestamp(), seen_at > clock_timestamp() - interval '1 day');

-- What counts for the day, by the server's clock alone: sessions, whoever created them, and what may become one or may have.
CREATE OR REPLACE VIEW @within_day AS
    SELECT account, counted_at AS at FROM @creations
    WHERE NOT simulated AND counted_at > clock_timestamp() - interval '1 day'
    UNION ALL
    SELECT account, at FROM @guest_creations WHERE at > clock_timestamp() - interval '1 day'
    UNION ALL
    SELECT account, reserved_at FROM @slots_in_use
    WHERE session IS NULL AND reserved_at > clock_timestamp() - interval '1 day'
    UNION ALL
    SELECT account, reserved_at FROM @slots, generate_series(1, lost)
    WHERE lost > 0 AND reserved_at > clock_timestamp() - interval '1 day';

-- The number that a run of this schema has where the account is.
CREATE OR REPLACE FUNCTION @account_run(_run bigint) RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = "~", pg_temp AS $function$
BEGIN
    -- Another schema's would be above.
    IF _run NOT BETWEEN 0 AND (1::bigint << 40) - 1 THEN
        RAISE EXCEPTION 'there is no run %', _run;
    END IF;
    RETURN _run + (coalesce((SELECT n FROM guests WHERE schema = 'SCHEMA'), 0) << 40);
END
$function$;

-- Whether a run may have one slot more: what it is due, or what nobody who waits is due. The account's row is locked.
CREATE OR REPLACE FUNCTION @account_has_room(_account text, _run bigint, _slots integer) RETURNS boolean
LANGUAGE plpgsql SET search_path = "~", pg_temp AS $function$
DECLARE
    _free integer := _slots - (SELECT count(*) FROM slots_in_use WHERE account = _account);
BEGIN
    IF _free <= 0 THEN
        RETURN false;
    END IF;
    RETURN (
        WITH wanting AS (
            SELECT run, waiting, coalesce(granted_at, '-infinity') AS granted_at,
                   CASE WHEN percent IS NOT NULL THEN _slots * least(percent, 100) / 100
                        WHEN share IS NOT NULL THEN least(share, _slots) END AS said,
                   (SELECT count(*) FROM slots_in_use AS it WHERE it.account = _account AND it.run = members.run) AS live
            FROM members
            WHERE account = _account AND (run = _run OR (waiting > 0 AND asked_at > clock_timestamp() - interval '10 seconds'))
        ), total AS (
            SELECT coalesce(sum(said), 0) AS said, greatest(count(*) FILTER (WHERE said IS NULL), 1) AS others FROM wanting
        ), entitled AS (
            SELECT run, live, waiting, granted_at,
                   CASE WHEN wanting.said IS NULL THEN greatest(_slots - total.said, 0) / total.others
                        WHEN total.said > _slots THEN wanting.said * _slots / total.said
                        ELSE wanting.said END AS due
            FROM wanting, total
        ), us AS (
            SELECT live, due, granted_at FROM entitled WHERE run = _run
        ), others AS (
            SELECT live, granted_at, least(greatest(floor(due) - live, 0), waiting) AS owed FROM entitled WHERE run <> _run
        )
        -- Of what nobody is due those have it first who have fewest, and of those who have had one last longest ago.
        SELECT us.live < floor(us.due)
            OR _free - (SELECT coalesce(sum(owed), 0) FROM others) > (
                SELECT count(*) FROM others WHERE (others.live, others.granted_at) < (us.live, us.granted_at)
            )
        FROM us
    );
END
$function$;

-- Reserves one request of a lane, of which there are so many a minute: when it may leave. The next one comes a
-- hundredth later than it could, so that no minute has one too many.
CREATE OR REPLACE FUNCTION @account_turn(_account text, _lane text, _per_minute integer) RETURNS timestamptz
LANGUAGE plpgsql SET search_path = "~", pg_temp AS $function$
DECLARE
    _step interval := interval '60.6 seconds' / _per_minute;
    _next timestamptz;
BEGIN
    IF _per_minute IS NULL THEN
        RETURN clock_timestamp();
    END IF;
    INSERT INTO lanes (account, lane) VALUES (_account, _lane) ON CONFLICT DO NOTHING;
    UPDATE lanes SET tat = greatest(tat, clock_timestamp()) + _step WHERE account = _account AND lane = _lane
        RETURNING tat INTO _next;
    RETURN _next - _step;
END
$function$;

-- How long until then.
CREATE OR REPLACE FUNCTION @milliseconds_to(_time timestamptz) RETURNS bigint
LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS 'SELECT coalesce(greatest(0, ceil(1000 * extract(epoch FROM $1 - clock_timestamp())))::bigint, 0)';

-- A run is there. Sessions that were seen to have ended hold no slot any more; the answer is those of runs that say nothing
-- more: somebody else has to see when they end.
CREATE OR REPLACE FUNCTION @account_present(_account text, _run bigint, _holder text, _ended text[]) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = "~", pg_temp AS $function$
DECLARE
    _base bigint := @account_run(0);
BEGIN
    _run := @account_run(_run);
    PERFORM FROM accounts WHERE name = _account FOR NO KEY UPDATE;
    UPDATE members SET seen = clock_timestamp(), holder = _holder WHERE account = _account AND run = _run;
    IF NOT FOUND THEN
        INSERT INTO members (account, run, holder) VALUES (_account, _run, _holder);
        INSERT INTO guest_creations (session, account, at)
            SELECT session, account, counted_at FROM @creations
            WHERE _base > 0 AND account = _account AND NOT simulated AND counted_at > clock_timestamp() - interval '1 day'
            ON CONFLICT DO NOTHING;
    END IF;
    UPDATE slots SET ended_at = clock_timestamp()
        WHERE account = _account AND session = ANY (_ended) AND ended_at IS NULL;
    UPDATE slots SET seen_at = clock_timestamp()
        WHERE account = _account AND run = _run AND ended_at IS NULL AND task IS NOT NULL
          AND seen_at < clock_timestamp() - interval '1 hour';
    RETURN QUERY SELECT session FROM slots_in_use AS it
        WHERE account = _account AND session IS NOT NULL AND NOT EXISTS (
            SELECT FROM members
            WHERE members.account = _account AND members.run = it.run AND seen > clock_timestamp() - interval '15 seconds'
        ) LIMIT 200;
END
$function$;

-- A run goes: what it has reserved is free.
CREATE OR REPLACE FUNCTION @account_leave(_account text, _run bigint, _holder text, _epoch bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = "~", pg_temp AS $function$
BEGIN
    _run := @account_run(_run);
    PERFORM FROM accounts WHERE name = _account FOR NO KEY UPDATE;
    UPDATE slots SET ended_at = clock_timestamp()
        WHERE account = _account AND run = _run AND epoch = _epoch AND task IS NULL AND ended_at IS NULL;
    DELETE FROM members WHERE account = _account AND run = _run AND holder = _holder;
END
$function$;

-- Reserves a slot, a place in the day and the turn of a create, all or none: 'granted' (and how long to wait), 'full' (ask
-- again then), 'spent' (nothing before that), 'deposed'. A task whose last create came to nothing has its slot still; lost:
-- that create may have made a session. more: how many more slots the run could use.
CREATE OR REPLACE FUNCTION @account_reserve(
    _account text, _lease bigint, _holder text, _epoch bigint, _run bigint, _task text,
    _more integer, _share integer, _percent integer, _lost boolean, OUT answer text, OUT wait_ms bigint
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = "~", pg_temp AS $function$
DECLARE
    _it accounts%ROWTYPE;
    _has boolean;
    _over integer;
    _turn timestamptz;
BEGIN
    wait_ms := 0;
    PERFORM FROM @leases WHERE n = _lease AND holder = _holder AND epoch = _epoch FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        answer := 'deposed';
        RETURN;
    END IF;
    _run := @account_run(_run);
    SELECT * INTO _it FROM accounts WHERE name = _account FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        answer := 'granted';
        RETURN;
    END IF;
    INSERT INTO members AS it (account, run, holder, share, percent, waiting, asked_at)
        VALUES (_account, _run, _holder, _share, _percent, _more + 1, clock_timestamp())
        ON CONFLICT (account, run) DO UPDATE SET holder = excluded.holder, share = excluded.share,
            percent = excluded.percent, waiting = excluded.waiting, asked_at = excluded.asked_at, seen = excluded.seen;
    _has := EXISTS (
        SELECT FROM slots_in_use WHERE account = _account AND run = _run AND task = _task AND session IS NULL
    );
    IF _it.per_day IS NOT NULL AND (_lost OR NOT _has) THEN
        _over := (SELECT count(*) FROM within_day WHERE account = _account) - _it.per_day;
        IF _over >= 0 THEN
            answer := 'spent';
            wait_ms := 1000 + milliseconds_to(interval '1 day' + (
                SELECT at FROM within_day WHERE account = _account ORDER BY at OFFSET _over LIMIT 1
            ));
            UPDATE members SET waiting = 0 WHERE account = _account AND run = _run;
            RETURN;
        END IF;
    END IF;
    IF _it.slots IS NOT NULL AND NOT _has AND NOT account_has_room(_account, _run, _it.slots) THEN
        answer := 'full';
        wait_ms := 1000;
        RETURN;
    END IF;
    answer := 'granted';
    _turn := account_turn(_account, 'creates', _it.creates_pm);
    wait_ms := milliseconds_to(_turn);
    UPDATE members SET waiting = _more, granted_at = CASE WHEN _has THEN granted_at ELSE clock_timestamp() END
        WHERE account = _account AND run = _run;
    IF NOT _has THEN
        INSERT INTO slots (account, run, epoch, until)
            VALUES (_account, _run, _epoch, _turn + interval '2 minutes');
    ELSIF _lost THEN
        UPDATE slots SET lost = lost + 1 WHERE n = (
            SELECT n FROM slots_in_use
            WHERE account = _account AND run = _run AND task = _task AND session IS NULL ORDER BY n DESC LIMIT 1
        );
    END IF;
END
$function$;

-- What was reserved last is not wanted.
CREATE OR REPLACE FUNCTION @account_give_back(_account text, _run bigint, _epoch bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = "~", pg_temp AS $function$
BEGIN
    _run := @account_run(_run);
    PERFORM FROM accounts WHERE name = _account FOR NO KEY UPDATE;
    UPDATE slots SET ended_at = clock_timestamp() WHERE n = (
        SELECT n FROM slots_in_use
        WHERE account = _account AND run = _run AND epoch = _epoch AND task IS NULL ORDER BY n DESC LIMIT 1
    );
END
$function$;

-- What the run's events say of its tasks: called by the statement that keeps them, which has locked the lease. An intent
-- takes what was reserved, as long as that is; a session has a slot, whoever reserved none; an end ends it.
CREATE OR REPLACE FUNCTION @account_follow(
    _account text, _run bigint, _epoch bigint, _tasks text[], _states text[], _sessions text[]
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = "~", pg_temp AS $function$
DECLARE
    _base bigint := @account_run(0);
    _task text;
    _session text;
BEGIN
    _run := @account_run(_run);
    PERFORM FROM accounts WHERE name = _account FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    FOR _at IN 1 .. coalesce(array_length(_tasks, 1), 0) LOOP
        _task := _tasks[_at];
        _session := _sessions[_at];
        IF _states[_at] IN ('intent', 'live') THEN
            -- What another run of the manifest has left in doubt is this one's now.
            UPDATE slots SET run = _run, epoch = _epoch, seen_at = clock_timestamp() WHERE n IN (
                SELECT it.n FROM slots_in_use AS it JOIN @runs AS its ON its.n = it.run - _base
                    JOIN @runs AS ours ON ours.n = _run - _base AND (ours.project, ours.name) = (its.project, its.name)
                WHERE it.account = _account AND it.task = _task AND it.session IS NULL AND (
                    its.lease = ours.lease OR NOT EXISTS (
                        SELECT FROM @leases AS held
                        WHERE held.n = its.lease AND held.holder IS NOT NULL AND held.lease_until >= clock_timestamp()
                    )
                )
            );
        END IF;
        IF _states[_at] = 'intent' THEN
            UPDATE slots SET task = _task, epoch = _epoch, until = NULL, seen_at = clock_timestamp() WHERE n = (
                SELECT n FROM slots_in_use
                WHERE account = _account AND run = _run AND epoch = _epoch AND task IS NULL ORDER BY n LIMIT 1
            ) AND NOT EXISTS (
                SELECT FROM slots_in_use
                WHERE account = _account AND run = _run AND task = _task AND session IS NULL
            );
        ELSIF _states[_at] IN ('live', 'left') AND _session IS NOT NULL THEN
            UPDATE slots SET run = _run, epoch = _epoch, task = _task, until = NULL, ended_at = NULL, seen_at = clock_timestamp()
                WHERE account = _account AND session = _session;
            IF NOT FOUND THEN
                UPDATE slots SET session = _session, epoch = _epoch, until = NULL, seen_at = clock_timestamp() WHERE n = (
                    SELECT n FROM slots_in_use
                    WHERE account = _account AND run = _run AND task = _task AND session IS NULL ORDER BY n DESC LIMIT 1
                );
            END IF;
            IF NOT FOUND THEN
                INSERT INTO slots (account, run, epoch, task, session) VALUES (_account, _run, _epoch, _task, _session);
            END IF;
            INSERT INTO guest_creations (session, account, at)
                SELECT _session, _account, coalesce(
                    (SELECT counted_at FROM @creations WHERE session = _session), clock_timestamp()
                ) WHERE _base > 0 ON CONFLICT DO NOTHING;
        ELSIF _states[_at] IN ('ended', 'over') THEN
            UPDATE slots SET ended_at = clock_timestamp()
                WHERE account = _account AND run = _run AND task = _task AND ended_at IS NULL
                  AND (session IS NULL OR session = _session);
        END IF;
    END LOOP;
    DELETE FROM guest_creations WHERE at < clock_timestamp() - interval '2 days';
    DELETE FROM slots WHERE account = _account AND ended_at < clock_timestamp() - interval '2 days';
END
$function$;

-- One request of this lane, and of requests that these pauses hold: how long it has to wait for each.
CREATE OR REPLACE FUNCTION @account_permit(_account text, _lane text, _held text[], OUT wait_ms bigint, OUT pause_ms bigint, OUT turn timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = "~", pg_temp AS $function$
DECLARE
    _it accounts%ROWTYPE;
BEGIN
    SELECT * INTO _it FROM accounts WHERE name = _account;
    turn := account_turn(_account, _lane, CASE _lane
        WHEN 'all' THEN _it.requests_pm WHEN 'creates' THEN _it.creates_pm WHEN 'activities' THEN _it.activities_pm END);
    wait_ms := milliseconds_to(turn);
    pause_ms := milliseconds_to((SELECT max(hold_until) FROM lanes WHERE account = _account AND lane = ANY (_held)));
END
$function$;

-- The service has asked for a pause of such requests.
CREATE OR REPLACE FUNCTION @account_pause(_account text, _lane text, _ms bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = "~", pg_temp AS $function$
DECLARE
    _until timestamptz := clock_timestamp() + interval '1 millisecond' * least(_ms, 3600000);
BEGIN
    INSERT INTO lanes AS it (account, lane, hold_until) SELECT name, _lane, _until FROM accounts WHERE name = _account
        ON CONFLICT (account, lane) DO UPDATE SET hold_until = greatest(it.hold_until, excluded.hold_until);
END
$function$;

-- How accounts stand, for those who may read the runs of this schema. Of runs of others they learn that there are some.
CREATE OR REPLACE VIEW @account_limits AS
    SELECT name, slots, per_day, requests_pm, creates_pm, activities_pm FROM "~".accounts;

CREATE OR REPLACE VIEW @account_use AS
    SELECT name, (SELECT count(*) FROM "~".slots_in_use AS it WHERE it.account = name) AS live,
           (SELECT count(*) FROM "~".within_day AS it WHERE it.account = name) AS within_day
    FROM "~".accounts;

CREATE OR REPLACE VIEW @account_members AS
    SELECT members.account, runs.id, runs.project, runs.name, members.waiting,
           (SELECT count(*) FROM "~".slots_in_use AS it WHERE it.account = members.account AND it.run = members.run) AS live
    FROM "~".members AS members
        LEFT JOIN @runs AS runs
            ON runs.n = members.run - (coalesce((SELECT n FROM "~".guests WHERE schema = 'SCHEMA'), 0) << 40)
    WHERE members.seen > clock_timestamp() - interval '15 seconds' ORDER BY members.run;

CREATE OR REPLACE VIEW @account_pauses AS
    SELECT account, lane, hold_until FROM "~".lanes WHERE hold_until > clock_timestamp();

REVOKE ALL ON FUNCTION @account_run, @account_has_room, @account_turn, @milliseconds_to, @account_present, @account_leave, @account_reserve,
    @account_give_back, @account_follow, @account_permit, @account_pause FROM PUBLIC;
