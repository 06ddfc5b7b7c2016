-- What `campaignctl ledger init` makes where it is not there: once, by a role that may create in the database. Whoever writes
-- afterwards needs no more than select, insert, update and delete. docs/ledger.md has the grants.
create schema if not exists {schema};
create table if not exists {ledger} (
  name text primary key,
  version int not null default 1,
  generation bigint not null default 0,   -- which steps count; a packing changes it
  epoch bigint not null default 0,        -- which writer counts; a take-over raises it
  beat bigint not null default 0,         -- goes up with every sign of the writer
  holder jsonb,                           -- who opened it for writing last
  closed boolean not null default true,   -- whether that one came to its end
  lease_ms bigint not null default 0,     -- how long that one may be silent
  fenced jsonb,                           -- whose place was taken without proof of its end, until that is on record
  nonce text not null default '',         -- which statement began the epoch
  tail bigint not null default 0,         -- the last durable serial, and its chain: every step names both
  chain text not null default ''
) with (fillfactor = 10);                 -- every step updates it, in its own page
create table if not exists {step} (
  ledger text not null references {ledger},
  generation bigint not null,
  first bigint not null,
  last bigint not null check (last >= first),
  epoch bigint not null,
  body bytea not null,                    -- lines, packed with Zstandard
  primary key (ledger, generation, first)
);
create table if not exists {block} (
  ledger text not null references {ledger},
  digest bytea not null,                  -- what a packing leaves as it was is not sent again
  generation bigint not null,             -- the last packing that names it
  body bytea not null,
  primary key (ledger, digest)
);
alter table {step} alter body set storage external;
alter table {block} alter body set storage external;
