//! The tables, and their versions: the same numbers as those of the file.

use std::fmt::Write as _;

use super::link::{Link, in_schema, values};
use crate::ledger::LedgerError;

/// The version that the first step makes.
const FIRST: u32 = 3;
/// The steps to the newest version; only ever appended to. Each may be taken twice.
const STEPS: &[&str] = &[VERSION_3, VERSION_4, VERSION_5, VERSION_6, VERSION_7, VERSION_8];
/// What a program has to know to go on with it. `state limits` asks for more: an older program would not keep to them.
const NEEDS: u32 = 3;
/// The version that knows of accounts.
pub(super) const KNOWS_ACCOUNTS: u32 = 4;
/// The version that knows of an account in another schema: an older program would see none.
const KNOWS_GUESTS: u32 = 6;

/// Times are milliseconds since 1970, but those of leases, which are the server's. A lease is one manifest's in one project, or
/// one shard's of it: whoever has it writes the runs of that manifest.
const VERSION_3: &str = "
    CREATE TABLE IF NOT EXISTS @meta (
        key   text PRIMARY KEY,
        value text NOT NULL
    );

    CREATE TABLE IF NOT EXISTS @leases (
        n           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        project     text    NOT NULL,
        manifest    text    NOT NULL,
        shard       text    NOT NULL,
        simulated   boolean NOT NULL,
        holder      text,
        holder_text text,
        epoch       bigint  NOT NULL DEFAULT 0,
        lease_taken timestamptz,
        lease_until timestamptz,
        UNIQUE (project, manifest, shard, simulated)
    );

    CREATE TABLE IF NOT EXISTS @runs (
        n           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        id          text    NOT NULL UNIQUE,
        project     text    NOT NULL,
        lease       bigint  NOT NULL REFERENCES @leases,
        identity    text    NOT NULL,
        manifest    text    NOT NULL,
        name        text    NOT NULL,
        simulated   boolean NOT NULL,
        started_at  bigint  NOT NULL,
        ended_at    bigint,
        updated_at  bigint  NOT NULL,
        invocations integer NOT NULL DEFAULT 0,
        last_seq    bigint  NOT NULL
    );
    CREATE INDEX IF NOT EXISTS runs_by_project ON @runs (project, simulated, n);

    CREATE TABLE IF NOT EXISTS @events (
        run  bigint NOT NULL,
        seq  bigint NOT NULL,
        ts   bigint NOT NULL,
        task text,
        body text   NOT NULL,
        PRIMARY KEY (run, seq)
    );
    CREATE INDEX IF NOT EXISTS events_by_task ON @events (run, task, seq);

    CREATE TABLE IF NOT EXISTS @tasks (
        run      bigint NOT NULL,
        id       text   NOT NULL,
        key      text   NOT NULL,
        outcome  text,
        ended_at bigint,
        last     text,
        mark     text,
        session  text,
        PRIMARY KEY (run, id)
    );
    CREATE INDEX IF NOT EXISTS tasks_by_id ON @tasks (id, run);

    CREATE TABLE IF NOT EXISTS @creations (
        session   text    NOT NULL PRIMARY KEY,
        ts        bigint  NOT NULL,
        run       bigint  NOT NULL,
        task_key  text,
        simulated boolean NOT NULL
    );
    CREATE INDEX IF NOT EXISTS creations_by_time ON @creations (ts);

    CREATE TABLE IF NOT EXISTS @pulls (
        run        bigint  NOT NULL,
        task       text    NOT NULL,
        url        text    NOT NULL,
        node       text,
        key        text    NOT NULL,
        session    text,
        state      text,
        stage      text,
        made_at    bigint  NOT NULL,
        checked_at bigint,
        closed_at  bigint,
        simulated  boolean NOT NULL,
        PRIMARY KEY (run, task, url)
    );
    CREATE INDEX IF NOT EXISTS pulls_by_key ON @pulls (key, run);
    CREATE INDEX IF NOT EXISTS pulls_by_session ON @pulls (session);

    CREATE TABLE IF NOT EXISTS @late (
        run        text   NOT NULL,
        task       text   NOT NULL,
        attempt    bigint NOT NULL,
        session    text   NOT NULL PRIMARY KEY,
        holder     text   NOT NULL,
        at         timestamptz NOT NULL DEFAULT clock_timestamp(),
        dealt_with timestamptz
    );
";

/// The account that runs share.
const VERSION_4: &str = include_str!("account.sql");

/// What whoever goes on has to know of a session that came late: by what it is told from others. Of a lease: whether its
/// holder works on the manifest, or only writes to runs of before.
const VERSION_5: &str = "
    ALTER TABLE @late ADD COLUMN IF NOT EXISTS marker text;
    ALTER TABLE @late ADD COLUMN IF NOT EXISTS epoch bigint;
    CREATE INDEX IF NOT EXISTS late_open ON @late (run) WHERE dealt_with IS NULL;
    ALTER TABLE @leases ADD COLUMN IF NOT EXISTS at_work boolean NOT NULL DEFAULT false;
";

/// Other schemas whose runs count for accounts of this one, and the sessions that those have created. When a run had a slot last.
const VERSION_6: &str = "
    CREATE TABLE IF NOT EXISTS @guests (
        schema text PRIMARY KEY,
        n      bigint GENERATED ALWAYS AS IDENTITY
    );
    CREATE TABLE IF NOT EXISTS @guest_creations (
        session text PRIMARY KEY,
        account text NOT NULL,
        at      timestamptz NOT NULL
    );
    ALTER TABLE @members ADD COLUMN IF NOT EXISTS granted_at timestamptz;
    CREATE INDEX IF NOT EXISTS guest_creations_by_time ON @guest_creations (account, at);
";

/// When a session was counted for the account's day, by the server's clock: one machine's may be days behind. Of what was
/// there before only the machine's own time is known.
const VERSION_7: &str = "
    ALTER TABLE @creations ADD COLUMN IF NOT EXISTS counted_at timestamptz;
    UPDATE @creations SET counted_at = least(to_timestamp(ts / 1000.0), clock_timestamp()) WHERE counted_at IS NULL;
    ALTER TABLE @creations ALTER COLUMN counted_at SET DEFAULT clock_timestamp();
    ALTER TABLE @creations ALTER COLUMN counted_at SET NOT NULL;
    CREATE INDEX IF NOT EXISTS creations_by_count ON @creations (account, counted_at);
";

/// Who works on a task, by its key: one at a time, whatever manifest and part it is asked by. A claim holds as long as the
/// lease that has it, in that epoch.
const VERSION_8: &str = "
    CREATE TABLE IF NOT EXISTS @claims (
        project text   NOT NULL,
        key     text   NOT NULL,
        lease   bigint NOT NULL,
        epoch   bigint NOT NULL,
        PRIMARY KEY (project, key)
    );
";

/// Claims these tasks for a lease that was taken to work: none of them where another one works on one, which is the answer.
/// Whoever had one and has said nothing for too long may only sleep: it writes nothing more.
const CLAIM: &str = "
    CREATE OR REPLACE FUNCTION @claim(_lease bigint, _epoch bigint, _project text, _keys text[], OUT other bigint, OUT common text)
    LANGUAGE plpgsql AS $function$
    BEGIN
        -- One after the other, so that the statements below see what the one before has done.
        PERFORM pg_advisory_xact_lock(hashtext('jules-batch claims ~'));
        -- Whoever has lost its lease meanwhile has nothing to claim, and learns it when it writes.
        IF NOT EXISTS (SELECT FROM @leases WHERE n = _lease AND epoch = _epoch AND holder IS NOT NULL) THEN
            RETURN;
        END IF;
        SELECT it.lease, it.key INTO other, common
            FROM @claims AS it JOIN @leases AS its ON its.n = it.lease AND its.epoch = it.epoch
            WHERE it.project = _project AND it.key = ANY (_keys) AND it.lease <> _lease
              AND its.at_work AND its.holder IS NOT NULL AND its.lease_until >= clock_timestamp()
            LIMIT 1;
        IF FOUND THEN
            RETURN;
        END IF;
        UPDATE @leases AS its SET holder = NULL, holder_text = NULL, lease_until = NULL, epoch = its.epoch + 1
            FROM @claims AS it
            WHERE it.project = _project AND it.key = ANY (_keys) AND it.lease <> _lease
              AND its.n = it.lease AND its.epoch = it.epoch AND its.at_work AND its.holder IS NOT NULL;
        INSERT INTO @claims (project, key, lease, epoch) SELECT DISTINCT _project, key, _lease, _epoch FROM unnest(_keys) AS key
            ON CONFLICT (project, key) DO UPDATE SET lease = excluded.lease, epoch = excluded.epoch;
    END
    $function$;
    REVOKE ALL ON FUNCTION @claim FROM PUBLIC;
";

/// The functions through which alone an account is written, and the views by which it is read: made anew each time.
const ACCOUNT_FUNCTIONS: &str = include_str!("account_functions.sql");

/// An older program must not take back what a newer one has made, also where another one has made it since we looked.
const GUARD: &str = "
    DO $guard$
    DECLARE
        _found integer;
    BEGIN
        IF to_regclass('@meta') IS NOT NULL THEN
            SELECT value::integer INTO _found FROM @meta WHERE key = 'version';
            IF _found > KNOWN THEN
                RAISE EXCEPTION 'the ledger in the schema ~ has version %, which is newer than KNOWN', _found
                    USING HINT = 'use the jules-batch that has made it';
            END IF;
        END IF;
    END
    $guard$;
";

/// Where the account of a schema is kept is said once; in `HOST`, the schema itself as a rule.
const HOME: &str = "
    DO $home$
    DECLARE
        _home text := coalesce((SELECT value FROM @meta WHERE key = 'account-schema'), '~');
    BEGIN
        IF _home = 'HOST' THEN
            RETURN;
        ELSIF _home <> '~' THEN
            RAISE EXCEPTION 'the accounts of the schema ~ are kept in the schema %', _home
                USING HINT = 'say --account-schema ' || _home;
        ELSIF EXISTS (SELECT FROM @guests) THEN
            RAISE EXCEPTION 'the schema ~ keeps the accounts of other schemas';
        ELSIF EXISTS (SELECT FROM @leases WHERE holder IS NOT NULL AND lease_until > clock_timestamp()) THEN
            RAISE EXCEPTION 'somebody is at work in the schema ~, with the accounts that it has now';
        END IF;
        INSERT INTO \"HOST\".guests (schema) VALUES ('~');
        INSERT INTO @meta VALUES ('account-schema', 'HOST');
        UPDATE @meta SET value = greatest(value::integer, GUESTS)::text WHERE key = 'needs';
    END
    $home$;
";

/// What runs and readers may do, for roles that an administrator gives to users: no deleting. Where the roles may not be made
/// the tables are their owner's alone.
const ROLES: &str = "
    DO $roles$
    BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '~_run') THEN
            CREATE ROLE \"~_run\" NOLOGIN;
        END IF;
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '~_read') THEN
            CREATE ROLE \"~_read\" NOLOGIN;
        END IF;
        GRANT USAGE ON SCHEMA \"~\" TO \"~_run\", \"~_read\";
        GRANT SELECT ON ALL TABLES IN SCHEMA \"~\" TO \"~_run\", \"~_read\";
        GRANT INSERT ON @leases, @runs, @events, @tasks, @creations, @pulls, @late, @claims TO \"~_run\";
        GRANT UPDATE (holder, holder_text, epoch, lease_taken, lease_until, at_work) ON @leases TO \"~_run\";
        GRANT UPDATE (ended_at, updated_at, invocations, last_seq, account, lease) ON @runs TO \"~_run\";
        GRANT UPDATE (key, outcome, ended_at, last, mark, session) ON @tasks TO \"~_run\";
        GRANT UPDATE (node, state, stage, checked_at, closed_at) ON @pulls TO \"~_run\";
        GRANT UPDATE (dealt_with) ON @late TO \"~_run\";
        GRANT UPDATE (lease, epoch) ON @claims TO \"~_run\";
        GRANT EXECUTE ON FUNCTION @claim, @account_present, @account_leave, @account_reserve, @account_give_back, @account_follow,
            @account_permit, @account_pause TO \"~_run\";
    EXCEPTION WHEN insufficient_privilege THEN
        RAISE NOTICE 'the roles ~_run and ~_read were not made: an administrator has to';
    END
    $roles$;
";

/// The script that makes the schema, or brings it to the newest version: one transaction, and of several at once one goes
/// first. The account is kept in a schema of its own where one is said, which is made as well.
pub(in crate::ledger) fn script(schema: &str, account: Option<&str>) -> String {
    let host = account.unwrap_or(schema);
    let mut text = if host == schema { String::new() } else { script(host, None) };
    let _ = writeln!(text, "SELECT pg_advisory_xact_lock(hashtext('jules-batch {schema}'));");
    let _ = writeln!(text, "CREATE SCHEMA IF NOT EXISTS \"{schema}\";");
    let mut add = |sql: &str| text.push_str(&in_schema(&sql.replace('~', schema), schema));
    add(&GUARD.replace("KNOWN", &known().to_string()));
    STEPS.iter().for_each(|step| add(step));
    add(CLAIM);
    add(&ACCOUNT_FUNCTIONS.replace('~', host).replace("SCHEMA", schema));
    add(ROLES);
    add(&META.replace("KNOWN", &known().to_string()).replace("NEEDS", &NEEDS.to_string()));
    add(&HOME.replace("HOST", host).replace("GUESTS", &KNOWS_GUESTS.to_string()));
    text
}

const META: &str = "
    INSERT INTO @meta VALUES ('version', 'KNOWN'), ('id', md5(random()::text))
        ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE meta.key <> 'id';
    INSERT INTO @meta VALUES ('needs', 'NEEDS') ON CONFLICT (key) DO UPDATE
        SET value = greatest(meta.value::integer, NEEDS)::text;
";

/// The version that this program writes.
pub(super) fn known() -> u32 {
    FIRST + STEPS.len() as u32 - 1
}

/// Makes the schema, or brings it to the newest version; its account stays where it is unless another schema is said. The
/// version that a newer program has made is left as it is, and is the answer.
pub(super) fn init(link: &Link, account: Option<&str>) -> Result<Option<u32>, LedgerError> {
    match version(link) {
        Ok(found) if found > known() => return Ok(Some(found)),
        Err(LedgerError::NoSchema { .. } | LedgerError::OldSchema { .. }) | Ok(_) => {}
        Err(error) => return Err(error),
    }
    let kept = account_schema(link)?;
    let script = script(&link.database().schema, account.or(kept.as_deref()));
    // What is sent as one is one transaction.
    link.script(&script).map_err(|error| link.failed("make the ledger", error))?;
    Ok(None)
}

/// The other schema that keeps the account.
fn account_schema(link: &Link) -> Result<Option<String>, LedgerError> {
    let sql = "SELECT value FROM @meta WHERE key = 'account-schema'";
    match link.rows(sql, values![]) {
        Ok(rows) => Ok(rows.first().map(|row| row.get(0))),
        Err(LedgerError::NoSchema { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether this program can use the schema: of its version, or of a newer one that says so.
pub(super) fn check(link: &Link) -> Result<(), LedgerError> {
    version(link).map(drop)
}

/// The version of a schema that this program can use.
fn version(link: &Link) -> Result<u32, LedgerError> {
    let database = || link.database().to_string();
    let rows = link.rows("SELECT key, value FROM @meta WHERE key IN ('version', 'needs')", values![])?;
    let said = |key: &str| {
        let row = rows.iter().find(|row| row.get::<_, &str>(0) == key)?;
        row.get::<_, &str>(1).parse::<u32>().ok()
    };
    let (Some(found), known) = (said("version"), known()) else {
        return Err(LedgerError::NoSchema { database: database(), schema: link.database().schema.clone() });
    };
    if found < known {
        return Err(LedgerError::OldSchema { database: database(), found, known });
    }
    if said("needs").unwrap_or(found) > known {
        return Err(LedgerError::NewSchema { database: database(), found, known });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_names_its_schema_everywhere() {
        let script = script("team_a", None);
        assert!(script.contains("\"team_a\".runs") && script.contains("\"team_a_run\""), "{script}");
        assert!(!script.contains('@') && !script.contains('~'), "{script}");
    }
}
