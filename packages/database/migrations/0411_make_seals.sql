-- Sealing without seeing. The database digests the lines; the process that holds the key makes the MAC over that digest,
-- and gets to know nothing of the lines but how many there are. So the control login, which must not read a tenant's data,
-- can seal. packages/database/src/audit/seal.ts calls both functions in one transaction.

-- As digestOf() in chain.ts: SHA-256 of the JSON of the columns as text. array_to_json() writes what JSON.stringify() does.
create function rowhouse.line_digest(l rowhouse.change_log) returns bytea
  language sql stable
  return sha256(convert_to(array_to_json(array[
    l.seq::text, l.organization_id::text, l.xid::text, (extract(epoch from l.at) * 1000000)::bigint::text,
    l.table_schema, l.table_name, l.record_id, l.record_hash::text, l.action,
    l.old::text, l.new::text, l.old_exact::text, l.new_exact::text,
    l.actor_kind, l.actor_id, l.origin, l.reason, l.request_id, l.ip
  ]::text[])::text, 'UTF8'));

-- What of the lines goes into a seal's MAC.
create function rowhouse.seal_digest(seqs bigint[], digests bytea) returns text
  language sql immutable
  return encode(sha256(convert_to(array_to_string(seqs, ','), 'UTF8') || '\x0a'::bytea || digests), 'hex');

-- A seal until it has its MAC. Unlogged: what a crash takes is made again.
create unlogged table rowhouse.audit_seal_drafts (
  organization_id uuid primary key,
  number bigint not null,
  at timestamptz not null,
  since pg_snapshot,
  until pg_snapshot not null,
  after_seq bigint not null,
  through_seq bigint,
  seqs bigint[] not null,
  digests bytea not null,
  previous bytea
);
alter table rowhouse.audit_seal_drafts enable row level security;
revoke all on rowhouse.audit_seal_drafts from public;

create function rowhouse.lock_seals(organization uuid) returns void
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform pg_advisory_xact_lock(rowhouse.turn_key('audit ' || organization));
end
$$;

-- Digests what no seal covers yet, and says what the MAC must cover; no row when nothing is new. Until the transaction ends
-- nobody else seals this organization.
create function rowhouse.prepare_seal(organization uuid, lines_max int default 5000)
  returns table (
    number bigint, at timestamptz, since pg_snapshot, until pg_snapshot, after_seq bigint, through_seq bigint,
    lines int, covered text, previous bytea
  )
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  last record;
  draft rowhouse.audit_seal_drafts;
  -- A seal that was full goes on with the same snapshots, behind its last line.
  is_open boolean;
begin
  perform rowhouse.lock_seals(organization);
  select s.number, s.since, s.until, s.through_seq, s.mac into last
  from rowhouse.audit_seals s where s.organization_id = organization order by s.number desc limit 1;
  is_open := last.through_seq is not null;
  draft.organization_id := organization;
  draft.number := coalesce(last.number, 0) + 1;
  draft.at := clock_timestamp();
  draft.since := case when is_open then last.since else last.until end;
  draft.until := case when is_open then last.until else pg_current_snapshot() end;
  draft.after_seq := coalesce(last.through_seq, 0);
  draft.previous := last.mac;

  select coalesce(array_agg(c.seq order by c.seq, c.at), '{}'), coalesce(string_agg(c.digest, '' order by c.seq, c.at), '')
  into draft.seqs, draft.digests
  from (
    select l.seq, l.at, rowhouse.line_digest(l) as digest
    from rowhouse.change_log l
    where l.organization_id = organization
      and pg_visible_in_snapshot(l.xid, draft.until)
      and (draft.since is null or not pg_visible_in_snapshot(l.xid, draft.since))
      and (draft.since is null or l.xid >= pg_snapshot_xmin(draft.since))
      and l.seq > draft.after_seq
      and l.at >= (select rowhouse.changes_from(draft.since))
    order by l.seq, l.at
    limit least(greatest(lines_max, 1), 5000)
  ) c;
  -- An open seal is closed even by none, so that the next begins at a new snapshot.
  if draft.seqs = '{}' and not is_open then
    return;
  end if;
  if cardinality(draft.seqs) = least(greatest(lines_max, 1), 5000) then
    draft.through_seq := draft.seqs[cardinality(draft.seqs)];
  end if;
  delete from rowhouse.audit_seal_drafts d where d.organization_id = organization;
  insert into rowhouse.audit_seal_drafts select draft.*;
  return query select draft.number, draft.at, draft.since, draft.until, draft.after_seq, draft.through_seq,
    cardinality(draft.seqs), rowhouse.seal_digest(draft.seqs, draft.digests), draft.previous;
end
$$;

-- Makes the draft the seal of that number.
create function rowhouse.finish_seal(organization uuid, number bigint, mac bytea) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform rowhouse.lock_seals(organization);
  with draft as (
    delete from rowhouse.audit_seal_drafts d
    where d.organization_id = organization and d.number = finish_seal.number
    returning *
  )
  insert into rowhouse.audit_seals (
    organization_id, number, at, since, until, after_seq, through_seq, seqs, digests, previous, mac
  )
  select d.organization_id, d.number, d.at, d.since, d.until, d.after_seq, d.through_seq, d.seqs, d.digests, d.previous,
    finish_seal.mac
  from draft d
  where d.previous is not distinct from (
    select s.mac from rowhouse.audit_seals s where s.organization_id = organization order by s.number desc limit 1
  );
  if not found then
    raise exception 'No seal % of organization % is waiting for its MAC.', number, organization
      using errcode = 'RH057', hint = 'Prepare it again, and finish it in the same transaction.';
  end if;
end
$$;

revoke all on function
  rowhouse.line_digest(rowhouse.change_log), rowhouse.seal_digest(bigint[], bytea), rowhouse.lock_seals(uuid),
  rowhouse.prepare_seal(uuid, int), rowhouse.finish_seal(uuid, bigint, bytea)
  from public;
grant execute on function rowhouse.prepare_seal(uuid, int), rowhouse.finish_seal(uuid, bigint, bytea) to rowhouse_control;
