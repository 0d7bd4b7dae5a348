import { expect, test } from 'vitest'

import { resolveActor } from './context.ts'
import type { Context } from './context.ts'

const organizationId = 'AAAAAAAA-aaaa-4aaa-8aaa-aaaaaaaaaaaa'
const id = 'bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb'

test('each actor is told apart, and a sync actor is the origin of its changes', () => {
  expect(resolveActor({ organizationId, userId: id })).toMatchObject({
    kind: 'user',
    user: id,
    origin: 'app',
    org: organizationId.toLowerCase(),
  })
  expect(resolveActor({ organizationId: null, userId: id })).toMatchObject({ kind: 'user', org: null })
  expect(resolveActor({ organizationId, service: 'billing' })).toMatchObject({
    kind: 'service',
    service: 'billing',
    user: null,
  })
  expect(resolveActor({ organizationId, operator: 'ana', reason: 'ticket 7' })).toMatchObject({
    kind: 'operator',
    service: 'ana',
    reason: 'ticket 7',
  })
  expect(resolveActor({ organizationId, connectionId: id })).toMatchObject({ kind: 'sync', connection: id, origin: id })
  expect(resolveActor({ organizationId, report: 'usage', reason: 'monthly' })).toMatchObject({
    kind: 'report',
    service: 'usage',
  })
  expect(resolveActor({ organizationId, service: 'web', requestId: 'r1', ip: '::1', origin: 'import' })).toMatchObject({
    request: 'r1',
    ip: '::1',
    origin: 'import',
  })
})

test.each([
  ['nobody', { organizationId }],
  ['two actors', { organizationId, userId: id, service: 'x' }],
  ['an organization that is no uuid', { organizationId: 'acme', userId: id }],
  ['a service without an organization', { organizationId: null, service: 'x' }],
  ['a user that is no uuid', { organizationId, userId: `${id} or true` }],
  ['an empty service', { organizationId, service: '  ' }],
  ['an operator without a reason', { organizationId, operator: 'ana' }],
  ['a text without end', { organizationId, service: 'x'.repeat(201) }],
  ['a zero character', { organizationId, service: 'x\0y' }],
])('%s is refused', (_name, context) => {
  expect(() => resolveActor(context as unknown as Context)).toThrow(expect.objectContaining({ code: 'invalid_option' }))
})
