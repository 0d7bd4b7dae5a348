// Reading: whole, by B's keys, counted, joined, sorted, sampled, locked, copied, through cursors, prepared statements and
// copies of one's own, and by operators that fail on B's rows.
import { ident, literal } from '../quoting.ts'
import type { Probe } from './probe.ts'
import { comparable, match } from './target.ts'
import type { Target } from './target.ts'

const ROWS_MAX = 500

export function readProbes(target: Target): Probe[] {
  const { sql, relation, b, owner, organizations, probe } = target
  const read = (name: string, text: string, rest: Partial<Probe> = {}): Probe => probe(name, 'read', text, rest)
  const columns = comparable(relation)
  const ordered = columns[0] === undefined ? '' : ` order by ${ident(columns[0].name)}`
  const probes = [
    read('select', `select * from ${sql} limit ${ROWS_MAX}`),
    read('count', `select count(*) from ${sql}`),
    read('order and limit', `select * from ${sql}${ordered}${ordered === '' ? '' : ' desc'} limit 1`),
    read('self join', `select count(*) from ${sql} x, ${sql} y`),
    read('whole row as json', `select row_to_json(t) from ${sql} t limit ${ROWS_MAX}`),
    read('xml export', `select table_to_xml(${literal(sql)}, true, false, '')`),
    read('cursor', `declare stolen cursor for select * from ${sql}; fetch ${ROWS_MAX} from stolen`),
    read('prepared statement', `prepare stolen as select count(*) from ${sql}; execute stolen`, { leavesTraces: true }),
    read('copy to', `copy (select * from ${sql}) to stdout`),
    read('create table as', `create temporary table stolen as select * from ${sql}; select count(*) from stolen`),
    read('row security off', `set local row_security = off; select count(*) from ${sql}`),
    probe('plan', 'plan', `explain (costs off) select * from ${sql}`),
    probe('estimate', 'limit', `explain select * from ${sql}`, { limit: limits.estimate }),
  ]
  if (columns.length > 0) {
    const least = columns.map(({ name }) => `min(${ident(name)}::text), max(${ident(name)}::text)`).join(', ')
    probes.push(read('aggregate', `select ${least} from ${sql}`))
    probes.push(
      read(
        'distinct',
        `select distinct ${ident((columns[0] as { name: string }).name)} from ${sql}${ordered} limit ${ROWS_MAX}`,
      ),
    )
  }
  if (
    owner?.tenantColumn !== undefined &&
    owner.tenantColumn !== null &&
    relation.columns.some(({ name }) => name === owner.tenantColumn)
  ) {
    const tenant = ident(owner.tenantColumn)
    const tenantType = relation.columns.find(({ name }) => name === owner.tenantColumn)?.type ?? 'text'
    probes.push(
      read(
        'by organization',
        `select * from ${sql} where ${tenant}::text = ${literal(organizations.b)} limit ${ROWS_MAX}`,
      ),
      read(
        'failing operator on the organization',
        `select count(*) from ${sql} where 1 / (case when ${tenant}::text = ${literal(organizations.b)} then 0 else 1 end) = 1`,
      ),
      // A condition `column = constant` of the policy and one like it of the query are one equivalence to the planner, which
      // may ask the policy's once, before the setting changes, and the column for the query's alone.
      read(
        'setting changed under the scan',
        `select set_config('rowhouse_attack.organization', ${literal(organizations.a)}, true);
         with changed as materialized (select set_config('rowhouse_attack.organization', ${literal(organizations.b)}, true))
         select t.* from changed, ${sql} t where t.${tenant} = current_setting('rowhouse_attack.organization')::${tenantType} limit ${ROWS_MAX}`,
        { sealedOnly: true },
      ),
      probe(
        'plan by organization',
        'plan',
        `explain (costs off) select * from ${sql} where ${tenant}::text = ${literal(organizations.b)}`,
      ),
    )
  }
  if (b !== undefined && columns.length > 0) {
    const its = match(relation, b)
    probes.push(
      read('by key', `select * from ${sql} where ${its}`),
      read('exists by key', `select exists (select from ${sql} where ${its})`),
      read(
        'failing operator on the key',
        `select count(*) from ${sql} where 1 / (case when ${its} then 0 else 1 end) = 1`,
      ),
    )
  }
  const text = columns.find(({ category }) => category === 'S')
  if (text !== undefined)
    probes.push(read('failing cast', `select count(*) from ${sql} where ${ident(text.name)}::int = 0`))
  // A function of one's own that tells what it is given, and is cheap, so that the planner asks it first.
  probes.push(
    read(
      'leaking function',
      `create function pg_temp.leak(text) returns boolean language plpgsql cost 0.0000001 as 'begin raise notice ''%'', $1; return true; end';` +
        ` select count(*) from ${sql} t where pg_temp.leak(t::text)`,
    ),
  )
  if (relation.kind !== 'v' && relation.kind !== 'f') {
    probes.push(
      read('tablesample', `select count(*) from ${sql} tablesample bernoulli (100)`),
      probe(
        'column statistics',
        'catalogue',
        `select attname, n_distinct, most_common_vals::text, histogram_bounds::text from pg_stats where schemaname = ${literal(relation.schema)} and tablename = ${literal(relation.name)} order by 1`,
      ),
      probe('size', 'limit', `select pg_relation_size(${literal(sql)}::regclass)`, { limit: limits.size, once: true }),
      probe('estimated rows', 'limit', `select reltuples from pg_class where oid = ${literal(sql)}::regclass`, {
        limit: limits.rows,
        once: true,
      }),
      probe(
        'activity counters',
        'limit',
        `select n_tup_ins, n_live_tup from pg_stat_all_tables where relid = ${literal(sql)}::regclass`,
        { limit: limits.counters, once: true },
      ),
    )
    if (relation.kind !== 'm') {
      probes.push(
        read('for update', `select * from ${sql} for update`),
        read('for share', `select * from ${sql} for share`),
        read(
          'for key share by key',
          `select count(*) from (select from ${sql}${b === undefined || columns.length === 0 ? '' : ` where ${match(relation, b)}`} for key share) l`,
        ),
        read('only', `select count(*) from only ${sql}`),
        probe('row places', 'limit', `select ctid from ${sql}`, { limit: limits.places, once: true }),
      )
    }
  }
  return probes
}

/** What every shared table tells, whatever its schema says. docs/isolation.md lists them. */
export const limits = {
  estimate: 'EXPLAIN shows estimates over the rows of all organizations in a shared table.',
  size: 'The size of a shared table is visible to every login (pg_relation_size).',
  rows: 'The estimated number of rows of a shared table is visible to every login (pg_class.reltuples).',
  counters: 'How often a shared table was written is visible to every login (pg_stat_all_tables).',
  places: 'The place of a row tells how many rows of a shared table lie before it (ctid).',
  sequence: 'A shared sequence counts the rows of all organizations.',
  locks: 'A login that may write a shared table may lock it against everybody for as long as its transaction lasts.',
  notify: 'Notifications know no organization: every login hears and sends on every channel.',
  advisory:
    'Advisory locks know no organization: whoever knows a key can hold it for as long as its transaction lasts.',
} as const
