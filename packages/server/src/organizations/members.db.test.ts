// Members over HTTP, for organizations in every model: what is changed is so in the home when the API answers.
import { randomUUID } from 'node:crypto'
import { describeInEveryModel, withClient } from '@rowhouse/testkit'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { operatorKey, startTestServer } from '../test-server.ts'
import type { Answer, TestServer } from '../test-server.ts'

describeInEveryModel('a member', (homes) => {
  let server: TestServer
  let owner: string
  beforeAll(async () => {
    server = await startTestServer(homes().database)
    owner = await server.token(homes().a.ownerId)
  })
  afterAll(() => server?.stop())

  const path = (userId: string): string => `/v1/organizations/${homes().a.organizationId}/members/${userId}`
  const give = (userId: string, role: string, bearer = owner): Promise<Answer> =>
    server.call('PATCH', path(userId), { bearer, body: { role } })
  const remove = (userId: string, bearer = owner): Promise<Answer> => server.call('DELETE', path(userId), { bearer })
  /** Rows that the person may change: none without the permission, since policies hide them from a write. */
  const writes = async (userId: string): Promise<number | null> => {
    const { rowCount } = await homes()
      .open({ placement: { copyWaitMs: 0 } })
      .as({ organizationId: homes().a.organizationId, userId })
      .query("update notes set body = body || '.' where id = $1", [homes().a.noteIds[0]])
    return rowCount
  }

  it('writes with the next request where the new role may, and is out where the membership ended', async () => {
    const { viewerId } = homes().a
    expect(await writes(viewerId)).toBe(0)
    const changed = await give(viewerId, 'member')
    expect([changed.status, changed.body]).toEqual([200, expect.objectContaining({ userId: viewerId, role: 'member' })])
    expect(await writes(viewerId)).toBe(1)
    expect((await give(viewerId, 'viewer')).body.role).toBe('viewer')
    expect(await writes(viewerId)).toBe(0)
    expect((await remove(viewerId)).body).toEqual({ removed: true })
    await expect(writes(viewerId)).rejects.toMatchObject({ code: 'not_a_member' })
    const { body } = await server.call('GET', `/v1/organizations/${homes().a.organizationId}/members`, {
      bearer: owner,
    })
    expect(body.items.map(({ userId }: { userId: string }) => userId)).not.toContain(viewerId)
  })

  it('is refused what one may not, with its code, and everything is on record', async () => {
    const { ownerId, memberId, organizationId } = homes().a
    const member = await server.token(memberId)
    const stranger = await server.token(homes().b.ownerId)
    expect((await give(memberId, 'admin', member)).body.code).toBe('permission_denied')
    expect((await remove(ownerId, member)).body.code).toBe('permission_denied')
    expect((await give(memberId, 'admin', stranger)).body.code).toBe('organization_not_found')
    expect((await give(ownerId, 'admin')).body.code).toBe('last_owner')
    expect((await remove(ownerId)).body.code).toBe('last_owner')
    expect((await give(memberId, 'emperor')).body.code).toBe('role_unknown')
    expect((await give(randomUUID(), 'admin')).body.code).toBe('member_unknown')
    expect((await give('nobody', 'admin')).body.code).toBe('member_unknown')
    expect((await server.call('PATCH', path(memberId), { bearer: owner, body: {} })).body.code).toBe(
      'validation_failed',
    )
    expect((await server.call('PATCH', path(memberId), { body: { role: 'admin' } })).body.code).toBe('unauthenticated')
    await give(memberId, 'admin')
    expect((await give(ownerId, 'viewer', member)).body.code).toBe('role_above_own')
    expect((await give(memberId, 'owner', member)).body.code).toBe('role_above_own')
    expect((await give(memberId, 'owner', operatorKey)).status).toBe(200)
    const { rows } = await withClient(homes().database.adminUrl, (admin) =>
      admin.query(
        `select action, actor_kind, actor_id, target, outcome from rowhouse.control_audit
         where organization_id = $1 and target = $2 and outcome in ('done', 'role_above_own') order by id desc limit 3`,
        [organizationId, memberId],
      ),
    )
    const line = { action: 'member.role', target: memberId }
    expect(rows).toEqual([
      { ...line, actor_kind: 'operator', actor_id: null, outcome: 'done' },
      { ...line, actor_kind: 'user', actor_id: memberId, outcome: 'role_above_own' },
      { ...line, actor_kind: 'user', actor_id: ownerId, outcome: 'done' },
    ])
    // Anybody leaves.
    expect((await remove(memberId, member)).body).toEqual({ removed: true })
  })
})
