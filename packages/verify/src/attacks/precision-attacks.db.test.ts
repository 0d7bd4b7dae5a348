// The shapes of public applications, attacked: exactly the findings of attacked.txt, each explained there in a sentence. Here one
// of them; `npm run soak -- shapes` attacks every one.
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { useSupabaseDatabase, withClient } from '@rowhouse/testkit'
import { describe, expect, it } from 'vitest'

import { verifyDatabase } from '../verify-database.ts'

const isWhole = process.env['ROWHOUSE_SHAPES'] === 'all'
const folder = join(import.meta.dirname, '../findings/precision')
const ONE = 'seed-memberships'
const shapes = readdirSync(folder)
  .filter((name) => isWhole || name === ONE)
  .map((name) => ({ name, schema: readFileSync(join(folder, name, 'schema.sql'), 'utf8') }))

const supabase = useSupabaseDatabase({ installed: false })

/** `error rls_disabled: table public.x` and, indented below it, why. */
function readExpected(name: string): { readonly finding: string; readonly why: string }[] {
  const path = join(folder, name, 'attacked.txt')
  if (!existsSync(path)) return []
  return readFileSync(path, 'utf8')
    .trim()
    .split(/\n(?! )/)
    .map((entry) => {
      const [finding = '', ...why] = entry.split('\n')
      return { finding, why: why.join(' ').trim() }
    })
}

/** Roles belong to the server; what a shape makes goes with it. */
const rolesOf = (url: string): Promise<string[]> =>
  withClient(url, async (admin) =>
    (await admin.query<{ name: string }>('select rolname::text as name from pg_roles')).rows.map(({ name }) => name),
  )

describe('attacked, the shape of', () => {
  it.each(shapes)(
    '$name has exactly the findings that are explained',
    async ({ name, schema }) => {
      const { server } = supabase()
      const database = `shape_${name.replaceAll('-', '_')}`
      const isPlain = schema.startsWith('-- On: plain.')
      const before = await rolesOf(server.urlOf('postgres'))
      if (isPlain) await withClient(server.urlOf('postgres'), (admin) => admin.query(`create database ${database}`))
      else await server.createProject(database)
      try {
        await withClient(isPlain ? server.urlOf(database) : server.urlOf(database, 'postgres'), (client) =>
          client.query(schema),
        )
        const { findings, undecided } = await verifyDatabase(server.urlOf(database), {
          attack: { attackSeconds: 600, statementTimeoutMs: 10_000, shrinksMax: 0, clone: { scratch: 'same-server' } },
        })
        const expected = readExpected(name)
        expect(
          findings
            .filter(({ source }) => source === 'attack')
            .map(
              ({ severity, code, object }) => `${severity} ${code}: ${object.replaceAll(/rowhouse_verify_\w+/g, 'it')}`,
            ),
        ).toEqual(expected.map(({ finding }) => finding))
        expect(undecided).toEqual([])
        expect(expected.filter(({ why }) => !/\w.*\.$/.test(why))).toEqual([])
      } finally {
        await withClient(server.urlOf('postgres'), async (admin) => {
          await admin.query(`drop database ${database} with (force)`)
          for (const role of await rolesOf(server.urlOf('postgres')))
            if (!before.includes(role)) await admin.query(`drop role "${role}"`)
        })
      }
    },
    600_000,
  )
})
