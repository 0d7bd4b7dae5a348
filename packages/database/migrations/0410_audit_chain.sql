-- What proves the change log: seals, one chain an organization. A seal holds a digest of each line it covers and a MAC
-- over them, over exactly which lines those are and over the seal before it. The MAC's key follows from the signing key and
-- is in no database: who may rewrite these rows, a superuser even, cannot make one. packages/database/src/audit/ makes and
-- verifies them.

create table rowhouse.audit_seals (
  organization_id uuid not null,
  number bigint not null constraint numbers_begin_at_one check (number > 0),
  at timestamptz not null,
  -- Which lines: what `until` sees and `since` did not, behind after_seq and, when the seal ended before their end, up to
  -- through_seq. As readers read, so no line of a slow commit is left out or covered twice.
  since pg_snapshot,
  until pg_snapshot not null,
  after_seq bigint not null,
  through_seq bigint,
  seqs bigint[] not null,
  -- SHA-256 of each line, in the order of seqs.
  digests bytea not null,
  previous bytea,
  mac bytea not null constraint mac_is_sha256 check (octet_length(mac) = 32),
  primary key (organization_id, number),
  constraint every_line_has_a_digest check (octet_length(digests) = 32 * cardinality(seqs)),
  constraint first_has_no_previous check ((previous is null) = (number = 1))
);
create trigger is_append_only before update or delete on rowhouse.audit_seals
  for each row execute function rowhouse.refuse_change_of_log();
alter table rowhouse.audit_seals enable always trigger is_append_only;
select rowhouse.make_log_append_only('rowhouse.audit_seals');
revoke all on rowhouse.audit_seals from public;
