// The shapes that public multi-tenant schemas have, attacked: exactly what their attacked.txt explains is found, each entry a
// real leak, and no known leak is missing. Here those that take a second each; `npm run soak -- shapes` attacks all of them.
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { useSupabaseDatabase, withClient } from '@rowhouse/testkit'
import { describe, expect, it } from 'vitest'

import { attackDatabase } from '../attack-database.ts'

const isWhole = process.env['ROWHOUSE_SHAPES'] === 'all'
const folder = join(import.meta.dirname, '../../findings/precision')
const shapes = readdirSync(folder).map((name) => {
  const schema = readFileSync(join(folder, name, 'schema.sql'), 'utf8')
  return { name, schema, on: /^-- On: ([a-z]+)\./.exec(schema)?.[1] ?? '' }
})
/** A project of Supabase brings tables of its own, which take most of the time: one of them stands for all. */
const sample = isWhole ? shapes : shapes.filter(({ name, on }) => on === 'plain' || name === 'clerk-jwt')

/** A server of this file's own: the schemas make roles. */
const project = useSupabaseDatabase({ installed: false })
const NAME = 'shape_of_its_own'

async function attack(schema: string, on: string): Promise<string[]> {
  const { server, adminUrl, name: template } = project()
  const onServer = (statement: string): Promise<unknown> =>
    withClient(server.urlOf('postgres'), (admin) => admin.query(statement))
  const roles = async (): Promise<string[]> =>
    withClient(adminUrl, async (admin) => {
      const { rows } = await admin.query<{ name: string }>('select quote_ident(rolname) as name from pg_roles')
      return rows.map(({ name }) => name)
    })
  const before = await roles()
  await onServer(
    `create database ${NAME} ${on === 'supabase' ? `owner postgres template ${template}` : 'template template0'}`,
  )
  try {
    // As in life: on Supabase migrations come as postgres, elsewhere as an administrator.
    await withClient(server.urlOf(NAME, on === 'supabase' ? 'postgres' : undefined), (client) => client.query(schema))
    const { findings, undecided } = await attackDatabase(server.urlOf(NAME), {
      attackSeconds: 600,
      statementTimeoutMs: 10_000,
      shrinksMax: 0,
      clone: { scratch: 'same-server' },
    })
    return [
      ...findings.map(({ severity, code, object }) => `${severity} ${code}: ${nameless(object)}`),
      ...undecided.map((reason) => `undecided: ${nameless(reason)}`),
    ].toSorted()
  } finally {
    await onServer(`drop database ${NAME} with (force)`)
    const made = (await roles()).filter((name) => !before.includes(name))
    if (made.length > 0) await onServer(`drop role ${made.join(', ')}`)
  }
}

/** The database under test, which has a name; the scratch ones have another in each run, by which no baseline would find anything. */
const nameless = (text: string): string => text.replaceAll(NAME, 'it')

/** One or several lines of what is found and, indented below them, why. */
function readExpected(name: string): { readonly found: readonly string[]; readonly why: string }[] {
  const text = readFileSync(join(folder, name, 'attacked.txt'), 'utf8').trim()
  if (text === '') return []
  return text.split(/(?<=\n {2}.*)\n(?! )/).map((entry) => {
    const lines = entry.split('\n')
    return {
      found: lines.filter((line) => !line.startsWith(' ')),
      why: lines
        .filter((line) => line.startsWith(' '))
        .join(' ')
        .trim(),
    }
  })
}

describe('attacked, the shape of', () => {
  it.each(sample)(
    '$name opens exactly what is explained',
    async ({ name, schema, on }) => {
      const expected = readExpected(name)
      expect(await attack(schema, on)).toEqual(expected.flatMap(({ found }) => found).toSorted())
      expect(expected.filter(({ why }) => !/\w.*\.$/.test(why))).toEqual([])
    },
    600_000,
  )
})
