-- The account that runs share: its tables.

ALTER TABLE @runs ADD COLUMN IF NOT EXISTS account text NOT NULL DEFAULT 'default';
ALTER TABLE @creations ADD COLUMN IF NOT EXISTS account text NOT NULL DEFAULT 'default';
CREATE INDEX IF NOT EXISTS creations_by_account ON @creations (account, ts);

-- NULL: no bound.
CREATE TABLE IF NOT EXISTS @accounts (
    name          text PRIMARY KEY,
    slots         integer CHECK (slots > 0),
    per_day       integer CHECK (per_day > 0),
    requests_pm   integer CHECK (requests_pm > 0),
    creates_pm    integer CHECK (creates_pm > 0),
    activities_pm integer CHECK (activities_pm > 0)
);

-- Rates and pauses of requests: 'all', or a kind of them. tat: when the next one may leave.
CREATE TABLE IF NOT EXISTS @lanes (
    account    text NOT NULL REFERENCES @accounts,
    lane       text NOT NULL,
    tat        timestamptz,
    hold_until timestamptz,
    PRIMARY KEY (account, lane)
);

-- A slot without a task is reserved until a time; an intent takes it. One without a session may have one that nobody has
-- seen. lost: how many creates of it were in doubt, and may have made a session that nobody has found.
CREATE TABLE IF NOT EXISTS @slots (
    n           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account     text NOT NULL,
    run         bigint NOT NULL,
    epoch       bigint NOT NULL,
    task        text,
    session     text,
    lost        integer NOT NULL DEFAULT 0,
    reserved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    until       timestamptz,
    ended_at    timestamptz
);
CREATE INDEX IF NOT EXISTS slots_open ON @slots (account, run) WHERE ended_at IS NULL;
CREATE INDEX IF NOT EXISTS slots_by_session ON @slots (session);
CREATE INDEX IF NOT EXISTS slots_by_time ON @slots (account, reserved_at);

-- The runs at work on an account. share, percent: what a run is to have where others want slots as well.
CREATE TABLE IF NOT EXISTS @members (
    account  text NOT NULL,
    run      bigint NOT NULL,
    holder   text NOT NULL,
    share    integer,
    percent  integer,
    waiting  integer NOT NULL DEFAULT 0,
    asked_at timestamptz,
    seen     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (account, run)
);
