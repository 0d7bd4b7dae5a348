// What the rules say about the shapes that public multi-tenant schemas have, rebuilt by hand: exactly the findings of
// expected.txt, each explained there in a sentence. Too many cry wolf, one too few is a leak that was not told.
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { useSupabaseDatabase, withClient } from '@rowhouse/testkit'
import { beforeAll, describe, expect, it } from 'vitest'
import { findInTransaction } from './run.ts'

const folder = join(import.meta.dirname, 'precision')
const shapes = readdirSync(folder).map((name) => {
  const schema = readFileSync(join(folder, name, 'schema.sql'), 'utf8')
  return { name, schema, on: /^-- On: ([a-z]+)\./.exec(schema)?.[1] ?? '' }
})

const supabase = useSupabaseDatabase({ installed: false })
beforeAll(async () => {
  await withClient(supabase().adminUrl, (admin) => admin.query('create database plain_application'))
})

const urlOf = (on: string): string => {
  const url = new URL(on === 'supabase' ? supabase().postgresUrl : supabase().adminUrl)
  if (on === 'plain') url.pathname = '/plain_application'
  return url.href
}

/** `error rls_disabled: table public.x` and, indented below it, why. */
function readExpected(name: string): { readonly finding: string; readonly why: string }[] {
  const text = readFileSync(join(folder, name, 'expected.txt'), 'utf8')
  return text
    .trim()
    .split(/\n(?! )/)
    .map((entry) => {
      const [finding = '', ...why] = entry.split('\n')
      return { finding, why: why.join(' ').trim() }
    })
}

describe('the shape of', () => {
  it('at least ten applications is here', () => {
    expect(shapes.length).toBeGreaterThanOrEqual(10)
  })

  it.each(shapes)('$name has exactly the findings that are explained', async ({ name, schema, on }) => {
    await withClient(urlOf(on), async (client) => {
      await client.query('begin')
      await client.query(schema)
      const { findings, undecided } = await findInTransaction(client, {})
      await client.query('rollback')
      expect(undecided).toEqual([])
      const expected = readExpected(name)
      expect(findings.map(({ severity, code, object }) => `${severity} ${code}: ${object}`)).toEqual(
        expected.map(({ finding }) => finding),
      )
      expect(expected.filter(({ why }) => !/\w.*\.$/.test(why))).toEqual([])
    })
  })
})
