// What makes another way to a home: everything that says whom one speaks to.
import { expect, it } from 'vitest'

import { keyOf } from './placement.ts'
import type { Placement } from './placement.ts'

const placement: Placement = {
  state: 'active',
  isolation: 'shared',
  cluster: 'eu',
  host: 'db.example.com',
  port: 5432,
  tls: 'verify-full',
  tls_ca: 'an authority',
  cluster_connections_max: null,
  database_name: 'rowhouse_data',
  schema_name: 'public',
  login: null,
  epoch: 1,
  version: 1,
  limits: null,
}

it.each([
  { cluster: 'us' },
  { host: 'other.example.com' },
  { port: 5433 },
  { database_name: 'other' },
  { login: 'rowhouse_h_0123456789abcdef' },
  { tls: 'off' },
  // An authority that is no longer trusted: connections that it vouches for are not opened any more.
  { tls_ca: 'another authority' },
  { tls_ca: null },
] as const)('is another way where this differs: %o', (change) => {
  expect(keyOf({ ...placement, ...change })).not.toBe(keyOf(placement))
})

it('is the same way after what concerns who may come, and not where to', () => {
  const later: Placement = { ...placement, epoch: 2, version: 9, limits: { connections: 1 } }
  expect(keyOf(later)).toBe(keyOf(placement))
})
