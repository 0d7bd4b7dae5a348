// Takes the way out of extensions that reach other servers, files or programs: their functions raise an error, their
// foreign-data wrappers have no handler.
import type { ClientBase } from 'pg'

import type { NotCovered } from '../report/report.ts'
import { outsideExtensions } from './outside.ts'
import { runStatements } from './run-statements.ts'

interface Member {
  readonly extension: string
  readonly kind: 'function' | 'wrapper'
  readonly sql: string | null
}

/** @returns each extension that was disabled; one that could not be is dropped */
export async function disableExtensions(target: ClientBase): Promise<NotCovered[]> {
  const { rows } = await target.query<Member>(
    `select x.extname::text as extension, 'function' as kind,
       format('create or replace function %I.%I(%s)%s language plpgsql %s as %L', n.nspname, p.proname,
         pg_get_function_arguments(p.oid), ' returns ' || pg_get_function_result(p.oid),
         case p.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end,
         format('begin raise exception %L using errcode = %L; end', 'rowhouse verify: ' || x.extname || ' is disabled in this scratch database.', '0A000')) as sql
     from pg_catalog.pg_extension x
     join pg_catalog.pg_depend d on d.refclassid = 'pg_catalog.pg_extension'::regclass and d.refobjid = x.oid and d.deptype = 'e'
     join pg_catalog.pg_proc p on d.classid = 'pg_catalog.pg_proc'::regclass and p.oid = d.objid and p.prokind = 'f'
     join pg_catalog.pg_namespace n on n.oid = p.pronamespace
     where x.extname = any ($1)
       -- Handlers and validators cannot be written in plpgsql; their wrappers lose them below.
       and p.prorettype <> 'pg_catalog.fdw_handler'::regtype
     union all
     select x.extname::text, 'wrapper', format('alter foreign data wrapper %I no handler no validator', w.fdwname)
     from pg_catalog.pg_extension x
     join pg_catalog.pg_depend d on d.refclassid = 'pg_catalog.pg_extension'::regclass and d.refobjid = x.oid and d.deptype = 'e'
     join pg_catalog.pg_foreign_data_wrapper w on d.classid = 'pg_catalog.pg_foreign_data_wrapper'::regclass and w.oid = d.objid
     order by 2 desc`,
    [outsideExtensions],
  )
  const failures = await runStatements(
    target,
    rows.map(({ extension, sql }) => ({ about: extension, sql: sql ?? 'select 1/0' })),
  )
  const failed = new Set(failures.map(({ about }) => about))
  for (const extension of failed)
    await target.query(`drop extension if exists "${extension.replaceAll('"', '""')}" cascade`)
  return [...new Set(rows.map(({ extension }) => extension))].map((extension) => ({
    object: `extension ${extension}`,
    probe: 'call',
    reason: failed.has(extension)
      ? 'it reaches outside the database and could not be disabled, so it is not in scratch'
      : 'it reaches outside the database; it raises an error in scratch',
  }))
}
