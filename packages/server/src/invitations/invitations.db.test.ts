// Invitations over real HTTP: from the inviter's call to the membership, and the refusals as codes.
import { randomUUID } from 'node:crypto'
import { useTestDatabase, withClient } from '@rowhouse/testkit'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { operatorKey, startTestServer } from '../test-server.ts'
import type { TestServer } from '../test-server.ts'

const database = useTestDatabase()
let server: TestServer
beforeAll(async () => {
  server = await startTestServer(database())
})
afterAll(() => server?.stop())

/** Somebody who has signed in with an address, as sign-in leaves them. */
async function person(email: string, isVerified = true): Promise<string> {
  const id = randomUUID()
  await withClient(database().controlUrl, (control) =>
    control.query(
      'insert into rowhouse.users (id, email, email_verified_at) values ($1, $2, case when $3 then now() end)',
      [id, email, isVerified],
    ),
  )
  return server.token(id)
}
const newEmail = (): string => `${randomUUID()}@example.com`
const path = (): string => `/v1/organizations/${server.worlds.a.organizationId}/invitations`

it('goes from the inviter to a member, once, and is audited without its token', async () => {
  const owner = await server.token(server.worlds.a.ownerId)
  const email = newEmail()
  const made = await server.call('POST', path(), { bearer: owner, body: { email, role: 'viewer' } })
  expect(made).toMatchObject({ status: 200, body: { token: expect.stringMatching(/^[\w-]{43}$/) } })
  const list = await server.call('GET', path(), { bearer: owner })
  expect(list.body.items).toMatchObject([
    { id: made.body.id, email, role: 'viewer', invitedBy: server.worlds.a.ownerId },
  ])
  expect(list.text).not.toContain(made.body.token)

  const accept = (bearer: string) =>
    server.call('POST', '/v1/invitations/accept', { bearer, body: { token: made.body.token } })
  expect((await accept(await person(email, false))).body.code).toBe('invitation_email_differs')
  expect((await accept(operatorKey)).body.code).toBe('permission_denied')
  const invited = await person(email)
  expect((await accept(invited)).body).toEqual({ organizationId: server.worlds.a.organizationId })
  expect((await accept(invited)).body.code).toBe('invitation_accepted')
  expect((await server.call('GET', path(), { bearer: invited })).body.items).toEqual([])

  const { rows } = await withClient(database().controlUrl, (control) =>
    control.query<{ action: string; line: string }>(
      "select action, a::text as line from rowhouse.control_audit a where action like 'invitation.%' and outcome = 'done'",
    ),
  )
  expect(rows.map(({ action }) => action).sort()).toEqual(['invitation.accept', 'invitation.create'])
  for (const { line } of rows) expect(line).not.toContain(made.body.token)
})

it('ends when it is revoked, and is for an organization’s own', async () => {
  const owner = await server.token(server.worlds.a.ownerId)
  const email = newEmail()
  const { body } = await server.call('POST', path(), { bearer: operatorKey, body: { email } })
  const revoke = (bearer: string, id: string) => server.call('DELETE', `${path()}/${id}`, { bearer })
  expect((await revoke(await server.token(server.worlds.b.ownerId), body.id)).status).toBe(404)
  expect((await revoke(owner, 'nonsense')).body.code).toBe('invitation_invalid')
  expect((await revoke(owner, body.id)).body).toEqual({ ok: true })
  expect((await revoke(owner, body.id)).body.code).toBe('invitation_invalid')
  const late = await server.call('POST', '/v1/invitations/accept', {
    bearer: await person(email),
    body: { token: body.token },
  })
  expect([late.status, late.body.code]).toEqual([404, 'invitation_invalid'])
})

it('gives no role above the inviter’s own', async () => {
  await withClient(database().controlUrl, (control) =>
    control.query("update rowhouse.members set role = 'admin' where user_id = $1", [server.worlds.a.memberId]),
  )
  const admin = await server.token(server.worlds.a.memberId)
  const invite = (role: string) => server.call('POST', path(), { bearer: admin, body: { email: newEmail(), role } })
  expect((await invite('owner')).body.code).toBe('role_above_own')
  expect((await invite('admin')).status).toBe(200)
  expect((await invite('king')).body.code).toBe('role_unknown')
})
