// Each rule against the schema in its folder: silent before, exactly expected.txt after, and silent again once its fix
// has run where the fix is SQL. A rule whose folder has no schema that breaks it fails here.
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { useSupabaseDatabase, useTestDatabase, createTwoWorlds, withClient } from '@rowhouse/testkit'
import type { Client } from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Finding } from '../report/report.ts'
import { isRunnable } from './fix.ts'
import { findInTransaction } from './run.ts'

const folder = join(import.meta.dirname, 'rules')
const fixtureOf = (file: string): string => readFileSync(join(import.meta.dirname, file), 'utf8')
const rules = readdirSync(folder).map((name) => {
  const fixture = fixtureOf(`rules/${name}/fixture.sql`)
  return { name, code: name.slice(5).replaceAll('-', '_'), fixture, on: /^-- On: ([a-z]+)\./.exec(fixture)?.[1] ?? '' }
})

const rowhouse = useTestDatabase()
const supabase = useSupabaseDatabase({ installed: false })
const beside = (name: string): string => {
  const url = new URL(supabase().adminUrl)
  url.pathname = `/${name}`
  return url.href
}

beforeAll(async () => {
  await createTwoWorlds(rowhouse())
  await withClient(supabase().adminUrl, async (admin) => {
    await admin.query('create database shop')
    await admin.query('create database tenants_one')
    await admin.query('create database tenants_two')
    await admin.query('revoke connect on database tenants_one from public')
  })
})

const bases: Record<string, { readonly url: () => string; readonly sql: string }> = {
  plain: { url: () => beside('shop'), sql: fixtureOf('fixtures/plain.sql') },
  schemas: { url: () => beside('tenants_one'), sql: fixtureOf('fixtures/schemas.sql') },
  supabase: { url: () => supabase().adminUrl, sql: fixtureOf('fixtures/supabase.sql') },
  rowhouse: { url: () => rowhouse().adminUrl, sql: '' },
}

const line = ({ severity, code, object, message, fix }: Finding): string =>
  `${severity} ${code}: ${object}\n  ${message}\n  fix: ${fix}\n`.replaceAll(/rowhouse_test_\w+/g, 'rowhouse_test')

/**
 * What is found in the base with the statements.
 *
 * @param rules those asked; all of them where nothing is said
 */
async function foundIn(admin: Client, statements: string, rules?: readonly string[]): Promise<readonly Finding[]> {
  await admin.query('savepoint before')
  await admin.query(`reset search_path; ${statements}`)
  const { findings } = await findInTransaction(admin, rules === undefined ? {} : { rules })
  await admin.query('rollback to savepoint before')
  return findings
}

/** What each base is found to have by itself: every test takes back what it made, so it is looked at once. */
const alone = new Map<string, Promise<ReadonlySet<string>>>()

describe('every rule', () => {
  it.each(rules)('$name', async ({ name, code, fixture, on }) => {
    const base = bases[on]
    expect(base, `${name} stands on no schema`).toBeDefined()
    const { url, sql } = base as NonNullable<typeof base>
    await withClient(url(), async (admin) => {
      await admin.query('begin')
      if (!alone.has(on))
        alone.set(
          on,
          foundIn(admin, sql).then((findings) => new Set(findings.map(line))),
        )
      const before = await alone.get(on)
      const broken = `${sql};\n${fixture}`
      const found = (await foundIn(admin, broken)).filter((finding) => before?.has(line(finding)) === false)
      await expect(found.map(line).join('\n')).toMatchFileSnapshot(join(folder, name, 'expected.txt'))
      const own = found.filter((finding) => finding.code === code)
      expect(own.length).toBeGreaterThan(0)

      const fixes = own.map(({ fix }) => fix).filter(isRunnable)
      // Whether its own findings are gone: no other rule says that.
      const after = fixes.length > 0 ? await foundIn(admin, [broken, ...fixes].join(';\n'), [code]) : []
      const left = after.filter((finding) => own.some((was) => isRunnable(was.fix) && line(was) === line(finding)))
      expect(left).toEqual([])
      await admin.query('rollback')
    })
  })
})
