// `rowhouse member` and `rowhouse audit` of organizations in homes, against a server and the databases themselves.
import { homeKinds, useEveryHome, withClient } from '@rowhouse/testkit'
import { expect, it } from 'vitest'

import { useServed } from './test-served.ts'

const homes = useEveryHome()
const served = useServed(() => ({ ...homes().database, encryptionKey: homes().encryptionKey }), {
  options: () => ({ databases: { everyMs: 100, againMs: 300 } }),
  environment: () => ({
    ROWHOUSE_URL: homes().database.adminUrl,
    ROWHOUSE_SIGNING_KEY: homes().database.signingKey,
  }),
})

/** What a command printed or was refused with, as JSON, and the code it ended with. */
async function rowhouse(...args: string[]): Promise<{ readonly code: number; readonly json: unknown }> {
  const { code, stdout, stderr } = await served.rowhouse(...args, '--json')
  return { code, json: JSON.parse(stdout === '' ? stderr : stdout) as unknown }
}

it('lists members, gives one another role and removes one, wherever the organization lives', async () => {
  const { organizationId, ownerId } = homes().of['far database']
  const other = crypto.randomUUID()
  await withClient(homes().database.controlUrl, (control) =>
    control.query(`insert into rowhouse.members (organization_id, user_id, role) values ($1, $2, 'viewer')`, [
      organizationId,
      other,
    ]),
  )
  expect((await rowhouse('member', 'role', organizationId, other, 'admin')).json).toMatchObject({ role: 'admin' })
  expect((await rowhouse('member', 'list', organizationId)).json).toEqual([
    expect.objectContaining({ userId: ownerId, role: 'owner' }),
    expect.objectContaining({ userId: other, role: 'admin' }),
  ])
  expect(await rowhouse('member', 'role', organizationId, ownerId, 'viewer')).toMatchObject({
    code: 1,
    json: { code: 'last_owner' },
  })
  expect((await rowhouse('member', 'remove', organizationId, other)).json).toEqual({ removed: true })
})

it('seals, verifies and prunes every organization where it lives', async () => {
  const ids = homes().all.map(({ organizationId }) => organizationId)
  const sealed = (await rowhouse('audit', 'seal')).json as { organizationId: string }[]
  expect(sealed.map(({ organizationId }) => organizationId)).toEqual(expect.arrayContaining(ids))
  const { code, json } = await rowhouse('audit', 'verify')
  const reports = json as { organizationId: string; lines: number; unsealed: number; problems: unknown[] }[]
  for (const { kind, organizationId } of homes().all) {
    const report = reports.find((one) => one.organizationId === organizationId)
    expect([kind, report]).toEqual([kind, expect.objectContaining({ unsealed: 0, problems: [] })])
    expect(report?.lines).toBeGreaterThan(0)
  }
  expect(code).toBe(0)
  expect((await rowhouse('audit', 'prune')).json).toMatchObject({ unreachable: [] })
  expect((await rowhouse('audit', 'status')).json).toMatchObject({ total: 3, failing: 0 })
})

it('names what it cannot reach, and ends with 3; the others are verified', async () => {
  await homes().stopFar()
  try {
    const { code, json } = await rowhouse('audit', 'verify')
    const lines = json as { unreachable?: { cluster: string; code: string } }[]
    expect(code).toBe(3)
    expect(lines.flatMap(({ unreachable }) => unreachable ?? []).map((why) => `${why.cluster} ${why.code}`)).toEqual([
      'far database_unreachable',
      'far database_unreachable',
      'far database_unreachable',
    ])
    expect(lines.filter((line) => 'problems' in line).length).toBeGreaterThanOrEqual(homeKinds.length - 3)
  } finally {
    await homes().startFar()
  }
})
