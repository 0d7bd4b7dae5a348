// Writing: into B, over B, from A to B, blindly and by B's keys. An UPDATE or DELETE with WHERE or RETURNING reads as
// well, so policies for SELECT hold it back; each is therefore tried blind too.
import { ident, literal } from '../quoting.ts'
import type { Column } from '../surface/relations.ts'
import { primaryKey } from '../surface/relations.ts'
import type { Row } from '../witness.ts'
import type { Probe } from './probe.ts'
import { freshRow, freshValue, insertOf } from './rows.ts'
import { freeColumns, harmlessColumn, match, writable } from './target.ts'
import type { Target } from './target.ts'

/** @param referring relations with a foreign key to this one: A's rows there would hold a move back */
export function writeProbes(target: Target, referring: readonly string[]): Probe[] {
  const { sql, relation, a, b, owner, organizations, probe } = target
  const tenant = relation.columns.some(({ name }) => name === owner?.tenantColumn)
    ? (owner?.tenantColumn ?? null)
    : null
  const write = (name: string, text: string): Probe => probe(name, 'write', text)
  const probes = [
    write('delete blind', `delete from ${sql}`),
    write('delete returning', `delete from ${sql} returning *`),
  ]
  const column = harmlessColumn(target)
  const set =
    column === undefined
      ? undefined
      : `${ident(column.name)} = ${valueToSet(column, a?.[column.name] ?? null, b?.[column.name] ?? null)}`
  if (set !== undefined) {
    probes.push(write('update blind', `update ${sql} set ${set}`))
    probes.push(write('update returning', `update ${sql} set ${set} returning *`))
  }
  const its = b === undefined || Object.keys(b).length === 0 ? undefined : match(relation, b)
  if (its !== undefined && its !== '') {
    probes.push(write('delete by key', `delete from ${sql} where ${its}`))
    probes.push(write('delete by key returning', `delete from ${sql} where ${its} returning *`))
    // Where every column is in a key: another value that no row has.
    const other = set === undefined ? uniqueColumn(target) : undefined
    if (other !== undefined)
      probes.push(
        write('update by key', `update ${sql} set ${ident(other.name)} = ${literal(other.fresh)} where ${its}`),
      )
    if (set !== undefined) {
      probes.push(write('update by key', `update ${sql} set ${set} where ${its}`))
      const on = its.replaceAll(/(^| and )/g, '$1t.')
      probes.push(
        write('merge update', `merge into ${sql} t using (select 1) s on ${on} when matched then update set ${set}`),
      )
      probes.push(write('merge delete', `merge into ${sql} t using (select 1) s on ${on} when matched then delete`))
    }
  }
  if (tenant !== null) {
    const theirs = literal(organizations.b)
    probes.push(write('delete by organization', `delete from ${sql} where ${ident(tenant)} = ${theirs}`))
    if (writable(relation).some(({ name }) => name === tenant)) {
      probes.push(write('move blind', `update ${sql} set ${ident(tenant)} = ${theirs}`))
      const loose = relation.references
        .flatMap(({ columns }) => columns)
        .filter((name) => name !== tenant && relation.columns.some((column) => column.name === name && !column.notNull))
        .map((name) => `, ${ident(name)} = null`)
      if (loose.length > 0 || referring.length > 0) {
        const emptied = referring.map((name) => `delete from ${name}; `).join('')
        probes.push(
          write(
            'move blind, free of references',
            `${emptied}update ${sql} set ${ident(tenant)} = ${theirs}${loose.join('')}`,
          ),
        )
      }
      if (a !== undefined) {
        const own = match(relation, a)
        if (own !== '') {
          probes.push(write('move by key', `update ${sql} set ${ident(tenant)} = ${theirs} where ${own}`))
          probes.push(
            write('move returning', `update ${sql} set ${ident(tenant)} = ${theirs} where ${own} returning *`),
          )
        }
      }
    }
    if (set !== undefined)
      probes.push(write('update by organization', `update ${sql} set ${set} where ${ident(tenant)} = ${theirs}`))
  }
  if (a !== undefined) {
    const row = freshRow(target, a, 1)
    if (tenant !== null) {
      const foreign = { ...row, [tenant]: organizations.b }
      probes.push(write('insert into B', insertOf(target, foreign)))
      probes.push(write('insert into B returning', `${insertOf(target, foreign)} returning *`))
      probes.push(write('merge insert into B', mergeInsert(target, foreign)))
      const { [tenant]: _, ...unnamed } = row
      probes.push(write('insert without organization', insertOf(target, unnamed)))
    }
    probes.push(write('insert', insertOf(target, row)))
    // What no constraint compares a trigger or a policy may: all of B's values that stand in no key, in a row of A.
    const free = b === undefined ? {} : valuesOf(b, freeColumns(target))
    if (Object.keys(free).length > 0) {
      probes.push(write('insert with values of B', insertOf(target, { ...row, ...free })))
      const assigned = Object.entries(free).map(([name, value]) => `${ident(name)} = ${literal(value)}`)
      const own = match(relation, a)
      if (own !== '')
        probes.push(write('update to values of B', `update ${sql} set ${assigned.join(', ')} where ${own}`))
    }
    if (b !== undefined && tenant !== null) {
      // References of B under B's id: a row that is whole, and is B's.
      const references = Object.fromEntries(
        relation.references.flatMap(({ columns }) => columns).map((name) => [name, b[name] ?? null]),
      )
      // A check may compare another column than the organization with who acts: who signs as A writes into B.
      const signed = freeColumns(target).filter(({ type }) => type === 'uuid')
      const named = Object.fromEntries(signed.map(({ name }) => [name, organizations.a]))
      if (signed.length > 0)
        probes.push(
          write(
            'insert into B, signed by A',
            insertOf(target, { ...row, ...references, ...named, [tenant]: organizations.b }),
          ),
        )
      probes.push(
        write(
          'insert into B with its references',
          insertOf(target, { ...row, ...references, [tenant]: organizations.b }),
        ),
      )
    }
  }
  if (relation.kind !== 'v') probes.push(write('copy from', `copy ${sql} from stdin`))
  return probes
}

/** A column of a unique key, and a value for it that nobody has; not of the primary key, nor one that refers to something. */
function uniqueColumn({ relation, owner }: Target): { readonly name: string; readonly fresh: string } | undefined {
  const taken = new Set([
    ...primaryKey(relation),
    ...relation.references.flatMap(({ columns }) => columns),
    owner?.tenantColumn,
  ])
  for (const { name, type, category } of writable(relation)) {
    const fresh = taken.has(name) ? undefined : freshValue(type, category, 8)
    if (fresh !== undefined) return { name, fresh }
  }
  return undefined
}

const valuesOf = (row: Row, columns: readonly Column[]): Record<string, string | null> =>
  Object.fromEntries(columns.filter(({ name }) => name in row).map(({ name }) => [name, row[name] ?? null]))

/** A's own value passes every check; where it would not change B's row, another one. */
function valueToSet({ category, type }: Column, a: string | null, b: string | null): string {
  return a !== null && a !== b ? literal(a) : otherValue(category, type, b)
}

function otherValue(category: string, type: string, current: string | null): string {
  if (category === 'S') return literal('touched')
  if (category === 'N') return current === '7' ? '8' : '7'
  if (category === 'B') return current === 'true' ? 'false' : 'true'
  if (category === 'D') return type === 'date' ? literal('2001-02-03') : literal('2001-02-03 04:05:06')
  if (/^jsonb?$/.test(type)) return literal('{"touched": true}')
  return 'default'
}

function mergeInsert(target: Target, row: Readonly<Record<string, string | null>>): string {
  const columns = Object.keys(row)
  return `merge into ${target.sql} t using (select 1) s on false when not matched then insert (${columns.map(ident).join(', ')}) values (${columns.map((name) => literal(row[name] ?? null)).join(', ')})`
}
