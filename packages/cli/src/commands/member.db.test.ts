// `rowhouse member` on a server: who is in an organization, who is asked to come, and how that is taken back.
import { startServer } from '@rowhouse/server'
import type { RunningServer } from '@rowhouse/server'
import { createTwoWorlds, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { runHere } from './test-command.ts'

const database = useTestDatabase()
const operatorKey = 'operator-key-of-the-tests-0123456789'
const kept = { ...process.env }
let server: RunningServer
let worlds: TwoWorlds

beforeAll(async () => {
  worlds = await createTwoWorlds(database())
  server = await startServer(
    {
      url: database().adminUrl,
      signingKey: database().signingKey,
      encryptionKey: 'e'.repeat(32),
      operatorKey,
      port: 0,
      host: '127.0.0.1',
      publicUrl: null,
      issuer: null,
      trustedProxies: [],
    },
    { log: () => undefined },
  )
  Object.assign(process.env, { ROWHOUSE_OPERATOR_KEY: operatorKey, ROWHOUSE_PUBLIC_URL: server.url })
})
afterAll(async () => {
  process.env = kept
  await server?.stop()
})

const member = (...words: string[]): Promise<{ readonly code: number; readonly stdout: string }> =>
  runHere(['member', ...words])
const json = async <Value>(...words: string[]): Promise<Value> =>
  JSON.parse((await member(...words, '--json')).stdout) as Value

it('an invitation is made, listed, and taken back', async () => {
  const { organizationId } = worlds.a
  expect((await member('invitations', organizationId)).stdout).toMatch(/^No invitation is open\. Invite somebody: /)
  const invited = await member('invite', organizationId, 'ada@example.com', '--role', 'admin')
  expect(invited.stdout).toMatch(
    new RegExp(`^Send this to ada@example\\.com; it works once, until .+:\\n\\n {2}${server.url}/join#\\S+\\n$`),
  )
  const token = invited.stdout.trim().split('#').at(-1) ?? ''
  const open = await json<{ id: string; email: string; role: string }[]>('invitations', organizationId)
  expect(open).toEqual([expect.objectContaining({ email: 'ada@example.com', role: 'admin' })])
  expect((await member('invitations', organizationId)).stdout).toMatch(/^E-MAIL +ROLE +SENT +VALID UNTIL +ID\nada@/)
  expect(JSON.stringify(open)).not.toContain(token)

  expect((await member('uninvite', organizationId, open[0]?.id ?? '')).stdout).toBe('Taken back.\n')
  expect(await json('invitations', organizationId)).toEqual([])
  await expect(member('uninvite', organizationId, open[0]?.id ?? '')).rejects.toMatchObject({
    code: 'invitation_invalid',
  })
  await withClient(database().adminUrl, async (admin) => {
    const { rows } = await admin.query('select from rowhouse.invitations where revoked_at is null')
    expect(rows).toEqual([])
  })
})

it('members are listed with their roles, of one organization only', async () => {
  expect((await member('list', worlds.a.organizationId)).stdout).toMatch(
    new RegExp(`^ROLE +NAME +E-MAIL +USER ID\\nowner .*${worlds.a.ownerId}`),
  )
  const listed = await json<{ userId: string }[]>('list', worlds.a.organizationId)
  expect(listed.map(({ userId }) => userId)).not.toContain(worlds.b.ownerId)
})

it.each([
  ['a role that is not there', ['invite', 'ada@example.com', '--role', 'emperor'], 'role_unknown'],
  ['an address that is none', ['invite', 'ada'], 'invitation_invalid'],
  ['a person who is no member', ['role', crypto.randomUUID(), 'admin'], 'member_unknown'],
])('refuses %s, and changes nothing', async (_, [verb = '', ...words], code) => {
  const before = await json('list', worlds.b.organizationId)
  await expect(member(verb, worlds.b.organizationId, ...words)).rejects.toMatchObject({ code })
  expect(await json('list', worlds.b.organizationId)).toEqual(before)
  expect(await json('invitations', worlds.b.organizationId)).toEqual([])
})

it('refuses an organization that is not there', async () => {
  await expect(member('list', 'nobody')).rejects.toMatchObject({ code: 'organization_not_found' })
})
