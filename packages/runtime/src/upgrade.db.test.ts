// An upgrade while programs run: those of before and after it are alive at once, each in a process of its own, on one database.
// rowhouse.handshake() names the oldest whose programs still work (oldest_runtime).
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { install, schemaVersion } from '@rowhouse/database'
import { createTwoWorlds, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { NewerRelease } from './fixtures/newer-release.ts'
import { createRowhouse } from './index.ts'
import type { Organization, Rowhouse } from './index.ts'

const database = useTestDatabase()
const fixtures = join(import.meta.dirname, 'fixtures')
/** Adds what nobody of before needs, so the programs of before go on. */
const EXPANDED = {
  version: schemaVersion + 1,
  sql: 'alter table rowhouse.organizations add column nickname text',
}
/** Says that the programs of before have no place any more. */
const CONTRACTED = {
  version: schemaVersion + 2,
  sql: `create or replace function rowhouse.handshake()
    returns table (database_id uuid, schema_version int, oldest_runtime int, server_now timestamptz, token_key_ids text[])
    language sql stable security definer set search_path = pg_catalog, pg_temp
    as $$ select d.id, (select max(m.version) from rowhouse.migrations m), ${schemaVersion + 2}, clock_timestamp(),
      array(select k.id from rowhouse.keys k order by k.created_at desc) from rowhouse.database d $$`,
}

let worlds: TwoWorlds
let old: Rowhouse
let acme: Organization
let newer: Program
let newest: Program

interface Answer {
  readonly rows?: readonly object[]
  readonly applied?: readonly string[]
  readonly code?: string
}
interface Program {
  readonly child: ChildProcess
  readonly ask: (order: string) => Promise<Answer>
}

function startProgram(release: NewerRelease): Program {
  const { adminUrl, appUrl, signingKey } = database()
  const { organizationId, ownerId: userId } = worlds.a
  const setting = JSON.stringify({ adminUrl, appUrl, signingKey, organizationId, userId })
  const child = spawn(
    process.execPath,
    ['--import', join(fixtures, 'newer-release.ts'), join(fixtures, 'newer-program.ts'), setting],
    { env: { ...process.env, NEWER_RELEASE: JSON.stringify(release) }, stdio: ['pipe', 'pipe', 'inherit'] },
  )
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    child,
    ask: async (order) => {
      child.stdin.write(`${order.replaceAll('\n', ' ')}\n`)
      const { value, done } = await lines.next()
      if (done === true) throw new Error('The program has ended.')
      return JSON.parse(value) as Answer
    },
  }
}

const openOld = (max: number): Rowhouse =>
  createRowhouse({ url: database().appUrl, signingKey: database().signingKey, pool: { max } })
const asAcme = (rowhouse: Rowhouse): Organization =>
  rowhouse.as({ organizationId: worlds.a.organizationId, userId: worlds.a.ownerId })
const bodies = 'select body from notes order by body'

beforeAll(async () => {
  worlds = await createTwoWorlds(database())
  await withClient(database().adminUrl, (admin) => admin.query('truncate notes'))
  old = openOld(2)
  acme = asAcme(old)
  newer = startProgram({ migrations: [EXPANDED] })
  newest = startProgram({ migrations: [EXPANDED, CONTRACTED] })
})
afterAll(async () => {
  await old?.close()
  for (const program of [newer, newest]) {
    if (program === undefined) continue
    program.child.stdin?.end()
    if (program.child.exitCode === null) await once(program.child, 'exit')
  }
})

describe('an upgrade that the programs of before can live with', () => {
  it('is waited for by a program of after it', async () => {
    expect(await newer.ask(bodies)).toEqual({ code: 'schema_outdated' })
    expect((await acme.query(bodies)).rows).toEqual([])
  })

  it('interrupts no query of the old one, and then both write and read the same, each on new connections too', async () => {
    const written: string[] = []
    const upgrade = { isDone: false }
    const upgrading = newer.ask('install').finally(() => {
      upgrade.isDone = true
    })
    for (let number = 0; !upgrade.isDone || number < 20; number += 1) {
      const body = `during ${String(number).padStart(6, '0')}`
      await acme.query('insert into notes (body) values ($1)', [body])
      written.push(body)
    }
    expect(await upgrading).toEqual({ applied: [`newer_${EXPANDED.version}`] })
    expect((await acme.query(bodies)).rows).toEqual(written.map((body) => ({ body })))

    expect(await newer.ask(`insert into notes (body) values ('of the new one') returning body`)).toEqual({
      rows: [{ body: 'of the new one' }],
    })
    // One that was started anew, as after a crash in the middle of the upgrade.
    const again = openOld(3)
    try {
      const seen = await Promise.all([1, 2, 3].map(() => asAcme(again).query(bodies)))
      for (const { rows } of seen) expect(rows).toContainEqual({ body: 'of the new one' })
      await asAcme(again).query(`insert into notes (body) values ('of the old one')`)
    } finally {
      await again.close()
    }
    const { rows } = await newer.ask(bodies)
    expect(rows).toHaveLength(written.length + 2)
    expect(rows).toContainEqual({ body: 'of the old one' })
  })

  it('is done once, and undone by nobody', async () => {
    expect(await newer.ask('install')).toEqual({ applied: [] })
    const { adminUrl, signingKey } = database()
    await expect(install({ adminUrl, signingKey })).rejects.toMatchObject({ code: 'schema_newer' })
  })
})

describe('an upgrade that says that the programs of before have no place any more', () => {
  it('is heard by each of them with its next connection, and the new one works', async () => {
    expect(await newest.ask('install')).toEqual({ applied: [`newer_${CONTRACTED.version}`] })
    const late = openOld(1)
    try {
      await expect(asAcme(late).query(bodies)).rejects.toMatchObject({
        code: 'schema_newer',
        details: { installed: CONTRACTED.version, known: schemaVersion, oldestRuntime: CONTRACTED.version },
      })
    } finally {
      await late.close()
    }
    expect((await newest.ask(bodies)).rows).toContainEqual({ body: 'of the new one' })
    // The one between knows the first of the two only.
    const between = startProgram({ migrations: [EXPANDED] })
    expect(await between.ask(bodies)).toEqual({ code: 'schema_newer' })
    expect(await between.ask('install')).toEqual({ code: 'schema_newer' })
    between.child.stdin?.end()
    await once(between.child, 'exit')
  })
})
