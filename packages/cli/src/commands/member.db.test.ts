// `rowhouse member` on a server: who is in an organization, who is asked to come, and how that is taken back.
import { createTwoWorlds, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import { beforeAll, expect, it } from 'vitest'

import type { Ended } from './test-command.ts'
import { useServed } from './test-served.ts'

const database = useTestDatabase()
const { rowhouse, url } = useServed(database)
let worlds: TwoWorlds

beforeAll(async () => {
  worlds = await createTwoWorlds(database())
})

const member = (...words: string[]): Promise<Ended> => rowhouse('member', ...words)
const json = async <Value>(...words: string[]): Promise<Value> =>
  JSON.parse((await member(...words, '--json')).stdout) as Value
/** What it is refused with, and the code that it ends with. */
const refusal = async (...words: string[]): Promise<[string, number]> => {
  const { code, stderr } = await member(...words, '--json')
  return [(JSON.parse(stderr) as { code: string }).code, code]
}

it('an invitation is made, listed, and taken back', async () => {
  const { organizationId } = worlds.a
  expect((await member('invitations', organizationId)).stdout).toMatch(/^No invitation is open\. Invite somebody: /)
  const invited = await member('invite', organizationId, 'ada@example.com', '--role', 'admin')
  expect(invited.stdout).toMatch(
    new RegExp(`^Send this to ada@example\\.com; it works once, until .+:\\n\\n {2}${url()}/join#\\S+\\n$`),
  )
  const token = invited.stdout.trim().split('#').at(-1) ?? ''
  const open = await json<{ id: string; email: string; role: string }[]>('invitations', organizationId)
  expect(open).toEqual([expect.objectContaining({ email: 'ada@example.com', role: 'admin' })])
  expect((await member('invitations', organizationId)).stdout).toMatch(/^E-MAIL +ROLE +SENT +VALID UNTIL +ID\nada@/)
  expect(JSON.stringify(open)).not.toContain(token)

  expect((await member('uninvite', organizationId, open[0]?.id ?? '')).stdout).toBe('Taken back.\n')
  expect(await json('invitations', organizationId)).toEqual([])
  expect(await refusal('uninvite', organizationId, open[0]?.id ?? '')).toEqual(['invitation_invalid', 1])
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
  expect(await refusal(verb, worlds.b.organizationId, ...words)).toEqual([code, expect.any(Number)])
  expect(await json('list', worlds.b.organizationId)).toEqual(before)
  expect(await json('invitations', worlds.b.organizationId)).toEqual([])
})

it('refuses an organization that is not there', async () => {
  expect(await refusal('list', 'nobody')).toEqual(['organization_not_found', 1])
})
