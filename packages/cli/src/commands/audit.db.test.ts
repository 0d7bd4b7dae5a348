// `rowhouse audit`, on a real database.
import { createTwoWorlds, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import { beforeAll, describe, expect, it } from 'vitest'

import { runHere } from './test-command.ts'
import type { Ended } from './test-command.ts'
import { useServed } from './test-served.ts'

const database = useTestDatabase()
const environment = (): Record<string, string> => ({
  ROWHOUSE_URL: database().adminUrl,
  ROWHOUSE_SIGNING_KEY: database().signingKey,
})
let worlds: TwoWorlds

const rowhouse = (...words: string[]): Promise<Ended> => runHere(['audit', ...words], { env: environment() })

beforeAll(async () => {
  worlds = await createTwoWorlds(database())
})

it('seals, verifies, and names what was changed', async () => {
  expect(await rowhouse('seal')).toMatchObject({ code: 0, stdout: 'Made 2 seals for 2 organizations.\n' })
  const intact = await rowhouse('verify', '--organization', worlds.a.slug, '--json')
  expect(intact.code).toBe(0)
  const [report] = JSON.parse(intact.stdout) as { head: string; problems: unknown[] }[]
  expect(report?.problems).toEqual([])
  expect((await rowhouse('verify', '--organization', worlds.a.slug, '--expect-head', report?.head ?? '')).code).toBe(0)
  expect((await rowhouse('verify', '--organization', worlds.a.slug, '--expect-head', `1:${'0'.repeat(64)}`)).code).toBe(
    1,
  )
  expect((await rowhouse('verify', '--expect-head', report?.head ?? '')).code).toBe(2)

  const seq = await withClient(database().adminUrl, async (admin) => {
    await admin.query('alter table rowhouse.change_log disable trigger is_append_only')
    const { rows } = await admin.query<{ seq: string }>(
      `update rowhouse.change_log set actor_id = 'somebody else'
       where seq = (select min(seq) from rowhouse.change_log where organization_id = $1) returning seq`,
      [worlds.a.organizationId],
    )
    return rows[0]?.seq
  })
  const broken = await rowhouse('verify')
  expect(broken.code).toBe(1)
  expect(broken.stdout).toContain(`line changed: seal 1, line ${seq}`)
  expect(broken.stdout).toContain(`${worlds.b.organizationId}: intact`)
})

it('tells a record’s life, what it was on Tuesday, and undeletes it with a reason that the log keeps', async () => {
  const [note] = worlds.b.noteIds as [string]
  const at = await withClient(database().appUrl, async (app) => {
    const run = async (text: string): Promise<string> => {
      await app.query('begin')
      await worlds.b.enter(app)
      await app.query(text, [note])
      await app.query('commit')
      // The millisecond after: Date has no microseconds.
      const { rows } = await app.query<{ at: Date }>("select clock_timestamp() + interval '1 millisecond' as at")
      return (rows[0] as { at: Date }).at.toISOString()
    }
    const changed = await run("update notes set body = 'on Tuesday' where id = $1")
    await app.query('select pg_sleep_until($1::timestamptz)', [changed])
    await run('delete from notes where id = $1')
    return changed
  })
  const of = ['notes', note, '--organization', worlds.b.slug, '--reason', 'ticket 7', '--operator', 'ann']
  const history = JSON.parse((await rowhouse('history', ...of, '--json')).stdout) as { action: string }[]
  expect(history.map(({ action }) => action)).toEqual(['insert', 'update', 'delete'])
  const then = JSON.parse((await rowhouse('history', ...of, '--at', at, '--json')).stdout) as { record: unknown }
  expect(then.record).toMatchObject({ id: note, body: 'on Tuesday' })
  expect((await rowhouse('history', ...of, '--at', 'Tuesday')).code).toBe(2)

  expect(await rowhouse('undelete', ...of)).toMatchObject({ code: 0, stdout: `Undeleted ${note} of notes.\n` })
  const again = await rowhouse('undelete', ...of)
  expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('record_not_deleted') as unknown])
  const last = JSON.parse((await rowhouse('history', ...of, '--json')).stdout) as Record<string, unknown>[]
  expect(last.at(-1)).toMatchObject({ action: 'insert', actorKind: 'operator', actor: 'ann', reason: 'ticket 7' })
})

describe('with a server', () => {
  const served = useServed(database, { environment })

  it('sets how long the log is kept, through the API, and prunes what has expired', async () => {
    const retention = (...words: string[]): Promise<Ended> =>
      served.rowhouse('audit', 'retention', worlds.a.slug, ...words)
    expect((await retention()).stdout).toContain('keeps its change log for ever, as its plan says.')
    expect((await retention('--days', '90')).stdout).toContain('for 90 days.')
    expect(await retention('--days', '5')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('retention_out_of_bounds') as unknown,
    })
    expect((await retention('--days', '90', '--keep')).code).toBe(2)
    expect((await retention('--follow-plan', '--json')).stdout).toContain('"source":"plan"')
    expect(await served.rowhouse('audit', 'prune')).toMatchObject({
      code: 0,
      stdout: 'Removed 0 lines of 2 organizations.\n',
    })
  })
})
