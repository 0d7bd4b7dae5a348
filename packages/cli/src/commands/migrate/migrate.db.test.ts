// `rowhouse migrate new`, and what its file does to a real database.
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { useTestDatabase, withClient } from '@rowhouse/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { runHere } from '../test-command.ts'
import type { Ended } from '../test-command.ts'
import { newMigration } from './new-migration.ts'

const database = useTestDatabase()
let folder: string

const rowhouse = (...words: string[]): Promise<Ended> => runHere(['migrate', 'new', ...words], { cwd: folder })

/** Statement by statement, each in a transaction of its own unless the file opens one: as psql runs a file. */
const runLikePsql = (path: string, schema: string): Promise<void> =>
  withClient(database().migratorUrl, async (migrator) => {
    await migrator.query(`create schema ${schema} authorization rowhouse_owner`)
    await migrator.query(`set search_path = ${schema}`)
    const text = readFileSync(path, 'utf8').replaceAll(/^--.*$/gm, '')
    for (const statement of text.split(/;$/m)) if (statement.trim() !== '') await migrator.query(statement)
  })

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rowhouse-migrate-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

describe('rowhouse migrate new', () => {
  it('writes a file that makes a protected table, whichever schema it runs in', async () => {
    const ended = await rowhouse('create_order', '--json')
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    const written = JSON.parse(ended.stdout) as { path: string; version: string }
    expect(written).toEqual({
      path: `migrations/${written.version}_create_order.sql`,
      version: expect.stringMatching(/^20\d{12}$/) as string,
      name: 'create_order',
      table: 'order',
    })
    for (const schema of ['first', 'second']) await runLikePsql(join(folder, written.path), schema)
    await withClient(database().adminUrl, async (admin) => {
      const { rows } = await admin.query(
        `select rowhouse.is_protected(format('%I.%I', s, 'order')::regclass) as protected,
           rowhouse.is_logged(format('%I.%I', s, 'order')::regclass) as logged from unnest('{first,second}'::text[]) s`,
      )
      expect(rows).toEqual([
        { protected: true, logged: true },
        { protected: true, logged: true },
      ])
      expect((await admin.query(`select from rowhouse.findings() where object ~ '^(first|second)'`)).rowCount).toBe(0)
    })
  })

  it('leaves no table behind when protecting it fails', async () => {
    const { path } = await newMigration(join(folder, 'm'), 'invoices', new Date())
    writeFileSync(path, readFileSync(path, 'utf8').replace('"timestamps"', '"unknown"'))
    await expect(runLikePsql(path, 'third')).rejects.toMatchObject({ code: 'RH023' })
    await withClient(database().migratorUrl, async (migrator) => {
      expect((await migrator.query("select to_regclass('third.invoices') as found")).rows).toEqual([{ found: null }])
    })
  })

  it('writes to supabase/migrations where that exists, or to --dir', async () => {
    mkdirSync(join(folder, 'supabase', 'migrations'), { recursive: true })
    expect((await rowhouse('invoices')).stdout).toMatch(/^supabase\/migrations\/\d{14}_invoices\.sql\n/)
    expect((await rowhouse('invoices', '--dir', 'a/b')).stdout).toMatch(/^a\/b\/\d{14}_invoices\.sql\n/)
  })

  it.each([
    ['a name with a space', ['two words'], 'is no name'],
    ['a name that leaves the folder', ['../evil'], 'is no name'],
    ['a name in capitals', ['Invoices'], 'is no name'],
    ['a name that is too long', ['a'.repeat(64)], 'is no name'],
    ['a name that is there', ['there'], 'There is a migration there already: migrations/20260101000000_there.sql'],
    ['a folder that is a file', ['invoices', '--dir', 'file'], 'cannot be written'],
  ])('refuses %s with 2, and writes nothing', async (_, words, message) => {
    mkdirSync(join(folder, 'migrations'))
    writeFileSync(join(folder, 'migrations', '20260101000000_there.sql'), 'mine')
    writeFileSync(join(folder, 'file'), '')
    const ended = await rowhouse(...words, '--json')
    expect(ended).toMatchObject({ code: 2, stdout: '' })
    expect(JSON.parse(ended.stderr)).toMatchObject({
      code: 'invalid_option',
      message: expect.stringContaining(message) as string,
    })
    expect(readdirSync(join(folder, 'migrations'))).toEqual(['20260101000000_there.sql'])
    expect(readFileSync(join(folder, 'migrations', '20260101000000_there.sql'), 'utf8')).toBe('mine')
  })

  it('orders files of one second, and after one that is dated ahead', async () => {
    const now = new Date('2026-02-28T23:59:59Z')
    const versions = []
    for (const name of ['one', 'two']) versions.push((await newMigration(folder, name, now)).version)
    writeFileSync(join(folder, '20270101000000_ahead.sql'), '')
    writeFileSync(join(folder, '99999999999999_no_date.sql'), '')
    versions.push((await newMigration(folder, 'three', now)).version)
    expect(versions).toEqual(['20260228235959', '20260301000000', '20270101000001'])
  })
})
