import { describe, expect, it } from 'vitest'

import { migrations, pendingMigrations, schemaVersion } from './migrations.ts'
import { errorCodeBySqlstate, errorCodeOf } from './sqlstate.ts'

describe('migrations', () => {
  const known = [1, 2, 5].map((version) => ({ version, name: `m${version}`, checksum: `c${version}`, sql: '' }))

  it('are pending in order, also one that fills a gap', () => {
    expect(pendingMigrations([], known)).toEqual(known)
    expect(pendingMigrations([known[0]!, known[2]!], known)).toEqual([known[1]])
    expect(pendingMigrations(known, known)).toEqual([])
  })

  it('of newer code are refused', () => {
    const newer = [...known, { version: 6, name: 'm6', checksum: 'c6' }]
    expect(() => pendingMigrations(newer, known)).toThrow(expect.objectContaining({ code: 'schema_newer' }))
  })

  it('that changed or vanished after they were applied are refused', () => {
    const changed = [{ ...known[0]!, checksum: 'other' }]
    const vanished = [{ version: 3, name: 'm3', checksum: 'c3' }]
    expect(() => pendingMigrations(changed, known)).toThrow(expect.objectContaining({ code: 'migration_changed' }))
    expect(() => pendingMigrations(vanished, known)).toThrow(expect.objectContaining({ code: 'migration_changed' }))
  })

  it('have each version once, ascending', () => {
    const versions = migrations.map(({ version }) => version)
    expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b))
    expect(schemaVersion).toBe(versions.at(-1))
  })
})

describe('SQLSTATEs', () => {
  it('of class RH in the SQL are all in the table, and the table holds no other', () => {
    const raised = migrations.flatMap(({ sql }) => [...sql.matchAll(/'(RH\d{3})'/g)].map((match) => match[1]))
    expect([...new Set(raised)].sort((a, b) => String(a).localeCompare(String(b)))).toEqual(
      Object.keys(errorCodeBySqlstate),
    )
  })

  it('of others have no code of ours', () => {
    expect(errorCodeOf('RH006')).toBe('already_entered')
    expect(errorCodeOf('23505')).toBeNull()
    expect(errorCodeOf(undefined)).toBeNull()
    expect(errorCodeOf('toString')).toBeNull()
  })
})
