import { expect, it } from 'vitest'

import type { Ownerships } from '../plant/ownership.ts'
import { contextsFor } from './contexts.ts'

it('says in each setting what it is named for, and nothing in those that hold secrets', () => {
  const settings = ['app.tenant_key', 'app.current_user_organization', 'app.current_user_id', 'app.api_key']
  const [context, ...others] = contextsFor(
    { organization: 'A', organizationId: 'its id', userId: 'a person', userEmail: null, schema: null },
    {
      model: { supabase: false } as Ownerships,
      questions: { settings, claims: [], asksUser: false },
      logins: [{ name: 'web', reaches: { A: false, B: false }, roles: {} }],
      rowhouse: null,
      roles: new Set(['web']),
      now: () => 0,
    },
  )
  expect(others).toEqual([])
  expect(context?.kind).toBe('settings')
  expect(context?.statements()).toEqual([
    `select set_config('app.tenant_key', 'its id', true), set_config('app.current_user_organization', 'its id', true), set_config('app.current_user_id', 'a person', true)`,
  ])
})
