// From a request to a member: the token is real, the keys come over HTTP, the membership from the database.
import { randomUUID } from 'node:crypto'

import { createTwoWorlds, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { createRowhouse, userIdOf } from '../index.ts'
import type { Identified, Rowhouse } from '../index.ts'
import { startTestIssuer } from './test-issuer.ts'
import type { TestIssuer, TokenChange } from './test-issuer.ts'

const database = useTestDatabase()
let worlds: TwoWorlds
let issuer: TestIssuer
let rowhouse: Rowhouse

beforeAll(async () => {
  worlds = await createTwoWorlds(database())
  issuer = await startTestIssuer()
  rowhouse = createRowhouse({
    url: database().appUrl,
    signingKey: database().signingKey,
    issuer: { issuer: issuer.issuer },
  })
})
afterAll(async () => {
  await rowhouse.close()
  await issuer.close()
})

interface Sent {
  readonly claims: Record<string, unknown>
  readonly organization?: string
  readonly change?: TokenChange
}

async function identify({ claims, organization, change }: Sent): Promise<Identified> {
  const headers = new Headers({ authorization: `Bearer ${await issuer.token(claims, change)}` })
  if (organization !== undefined) headers.set('x-organization-id', organization)
  return rowhouse.authenticate(new Request('http://localhost/', { headers }))
}

test('the claim names the organization, the database the role', async () => {
  const { organizationId, ownerId, viewerId } = worlds.a
  const app_metadata = { organization_id: organizationId }
  expect(await identify({ claims: { sub: ownerId, app_metadata } })).toEqual({
    organizationId,
    userId: ownerId,
    role: 'owner',
    entitlements: { plan: 'standard' },
  })
  expect(await identify({ claims: { sub: viewerId, app_metadata } })).toMatchObject({ role: 'viewer' })
})

test('the header wins over the claim, and membership is asked for the one it names', async () => {
  const app_metadata = { organization_id: worlds.a.organizationId }
  const sub = worlds.a.ownerId
  await expect(
    identify({ claims: { sub, app_metadata }, organization: worlds.b.organizationId }),
  ).rejects.toMatchObject({ code: 'not_a_member' })
  await expect(identify({ claims: { sub }, organization: worlds.a.organizationId })).resolves.toMatchObject({
    role: 'owner',
  })
  await expect(identify({ claims: { sub }, organization: 'acme' })).rejects.toMatchObject({
    code: 'no_active_organization',
  })
  await expect(identify({ claims: { sub }, organization: randomUUID() })).rejects.toMatchObject({
    code: 'organization_not_found',
  })
})

test('without an active organization a person is still somebody', async () => {
  const userId = randomUUID()
  expect(await identify({ claims: { sub: userId } })).toEqual({
    organizationId: null,
    userId,
    role: null,
    entitlements: {},
  })
})

test('what people write themselves is not believed', async () => {
  const claims = {
    sub: worlds.a.ownerId,
    organization_id: worlds.b.organizationId,
    user_metadata: { organization_id: worlds.b.organizationId, role: 'owner' },
  }
  expect(await identify({ claims })).toMatchObject({ organizationId: null, role: null })
})

test('a member who was removed is out at once, with a token that is still good', async () => {
  const { organizationId, memberId } = worlds.b
  const claims = { sub: memberId, app_metadata: { organization_id: organizationId, role: 'owner' } }
  expect(await identify({ claims })).toMatchObject({ role: 'member' })
  await withClient(database().controlUrl, (control) =>
    control.query('delete from rowhouse.members where user_id = $1', [memberId]),
  )
  await expect(identify({ claims })).rejects.toMatchObject({ code: 'not_a_member' })
})

test('a person whom the issuer calls otherwise is known by the mapped id', async () => {
  const sub = 'auth0|42'
  const userId = userIdOf(issuer.issuer, sub)
  await withClient(database().controlUrl, (control) =>
    control.query(`insert into rowhouse.members (organization_id, user_id, role) values ($1, $2, 'admin')`, [
      worlds.b.organizationId,
      userId,
    ]),
  )
  expect(await identify({ claims: { sub }, organization: worlds.b.organizationId })).toMatchObject({
    userId,
    role: 'admin',
  })
})

test('no token, a bad one, an expired one', async () => {
  const node = { headers: { 'x-organization-id': worlds.a.organizationId } }
  await expect(rowhouse.authenticate(node)).rejects.toMatchObject({ code: 'unauthenticated', status: 401 })
  const claims = { sub: worlds.a.ownerId }
  await expect(identify({ claims, change: { stranger: true } })).rejects.toMatchObject({ code: 'jwt_invalid' })
  await expect(identify({ claims, change: { expiresAt: 1 } })).rejects.toMatchObject({ code: 'jwt_expired' })
})

test('without a configured issuer it says so', async () => {
  const bare = createRowhouse({ url: database().appUrl, signingKey: database().signingKey })
  await expect(bare.authenticate(new Request('http://localhost/'))).rejects.toMatchObject({ code: 'issuer_missing' })
  await bare.close()
})
