// What operators are told about isolation over HTTP, and that runs are one at a time, end, and leave the last answer alone.
import { useTestDatabase, withClient } from '@rowhouse/testkit'
import type { VerifyReport } from '@rowhouse/verify'
import { loginUrl } from '@rowhouse/database'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Verification } from '@rowhouse/contracts'
import { openCatalogue } from '../catalogue/catalogue.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'
import { operatorKey, startTestServer } from '../test-server.ts'
import type { TestServer } from '../test-server.ts'
import { createVerifier } from './verifier.ts'
import type { VerifierOptions } from './verifier.ts'

const database = useTestDatabase()
let server: TestServer
beforeAll(async () => {
  server = await startTestServer(database())
})
afterAll(() => server?.stop())

const get = async (): Promise<Verification> => (await server.call('GET', '/v1/findings', { bearer: operatorKey })).body
async function runToItsEnd(): Promise<Verification> {
  await server.call('POST', '/v1/findings/run', { bearer: operatorKey })
  let answer = await get()
  await expect.poll(async () => (answer = await get()).run?.state, { timeout: 60_000 }).not.toBe('running')
  return answer
}

describe('/v1/findings', () => {
  it('is nothing before the first run, then what the rules found, and again when something opens a way', async () => {
    expect(await get()).toEqual({ run: null, report: null })
    const sound = await runToItsEnd()
    expect(sound.run).toMatchObject({ state: 'done', error: null })
    expect(sound.report).toMatchObject({
      outcome: 'clean',
      findings: [],
      undecided: [],
      verdict: 'No rule found a way between organizations.',
    })
    expect(sound.report?.matrix.rows.map(({ object }) => object)).toContain('table public.notes')
    await withClient(database().adminUrl, (admin) =>
      admin.query('create view all_notes as select * from notes; grant select on all_notes to rowhouse_app'),
    )
    const { report } = await runToItsEnd()
    expect(report?.outcome).toBe('findings')
    const found = report?.findings.find(({ code }) => code === 'view_bypasses_rls')
    expect(found).toMatchObject({ severity: 'error', object: 'view public.all_notes', fixIsSql: true })
    expect(found?.docs).toContain('docs/rules/0301-view-bypasses-rls.md')
    expect(report?.matrix.rows[0]?.cells.filter((cell) => cell !== null)).not.toEqual([])
    await withClient(database().adminUrl, (admin) => admin.query('drop view all_notes'))
  })

  it('is for operators, and a run is recorded', async () => {
    const owner = await server.token(server.worlds.a.ownerId)
    for (const [method, path] of [
      ['GET', '/v1/findings'],
      ['POST', '/v1/findings/run'],
    ] as const) {
      expect((await server.call(method, path, { bearer: owner })).body).toMatchObject({ code: 'permission_denied' })
      expect((await server.call(method, path)).body).toMatchObject({ code: 'unauthenticated' })
    }
    await runToItsEnd()
    const { rows } = await withClient(database().adminUrl, (admin) =>
      admin.query(
        `select actor_kind, outcome from rowhouse.control_audit where action = 'findings.run' order by id desc limit 1`,
      ),
    )
    expect(rows).toEqual([{ actor_kind: 'operator', outcome: 'done' }])
  })
})

describe('runs', () => {
  let catalogue: Catalogue
  beforeAll(() => {
    catalogue = openCatalogue(controlUrl(), () => {})
  })
  afterAll(() => catalogue.close())
  const controlUrl = (): string => loginUrl(database().adminUrl, 'rowhouse_control', database().signingKey)
  const verifier = (verify: NonNullable<VerifierOptions['verify']>) => {
    const errors: unknown[] = []
    return {
      ...createVerifier({ catalogue, url: controlUrl(), onError: (error) => errors.push(error), verify }),
      errors,
    }
  }
  /** Runs until it is let go. */
  const held = (): { verify: NonNullable<VerifierOptions['verify']>; letGo: () => void } => {
    let letGo = (): void => {}
    const gate = new Promise<void>((resolve) => (letGo = resolve))
    return {
      verify: async () => {
        await gate
        return { examined: { rules: 1 } } as VerifyReport
      },
      letGo: () => letGo(),
    }
  }
  const running = async (): Promise<number> => {
    const rows = await catalogue.query<{ count: number }>(
      `select count(*)::int as count from rowhouse.verifications where state = 'running'`,
    )
    return rows[0]?.count ?? -1
  }

  it('are one at a time, whoever starts them', async () => {
    const [one, other] = [held(), held()]
    const [first, second] = [verifier(one.verify), verifier(other.verify)]
    await Promise.all([first.start(), second.start(), first.start()])
    expect(await running()).toBe(1)
    one.letGo()
    other.letGo()
    await Promise.all([first.stop(), second.stop()])
    expect(await running()).toBe(0)
  })

  it('would be several without the index that keeps them apart', async () => {
    await withClient(database().adminUrl, async (admin) => {
      await admin.query('begin; drop index rowhouse.one_verification_runs')
      await admin.query('insert into rowhouse.verifications default values')
      await admin.query('insert into rowhouse.verifications default values')
      await admin.query('rollback')
      await admin.query('begin; insert into rowhouse.verifications default values')
      await expect(admin.query('insert into rowhouse.verifications default values')).rejects.toMatchObject({
        constraint: 'one_verification_runs',
      })
      await admin.query('rollback')
    })
  })

  it('that fail say why, and leave what was found before', async () => {
    const failing = verifier(() => Promise.reject(new Error('The database is away.')))
    const before = (await failing.read()).report
    expect(before).not.toBeNull()
    await failing.start()
    await failing.stop()
    expect(failing.errors).toHaveLength(1)
    const after = await failing.read()
    expect(after.run).toMatchObject({ state: 'failed', error: 'The database is away.' })
    expect(after.report).toEqual(before)
  })

  it('whose process died are ended by the next one', async () => {
    await catalogue.query(
      `insert into rowhouse.verifications (progressed_at) values (clock_timestamp() - interval '10 minutes')`,
    )
    const next = verifier(() => Promise.resolve({ examined: { rules: 1 } } as VerifyReport))
    await next.start()
    await next.stop()
    const rows = await catalogue.query(`select state, error from rowhouse.verifications order by id desc limit 2`)
    expect(rows).toEqual([
      { state: 'done', error: null },
      { state: 'failed', error: 'The process that ran it has ended.' },
    ])
  })
})
