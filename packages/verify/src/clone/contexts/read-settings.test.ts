import { describe, expect, it } from 'vitest'

import { findQuestions } from './read-settings.ts'

describe('what a schema asks of the session', () => {
  it('is found in deparsed policies and in bodies', () => {
    const { settings, claims, asksUser } = findQuestions([
      `(tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)`,
      `(organization_id = (((auth.jwt() -> 'app_metadata'::text) ->> 'organization_id'::text))::uuid)`,
      `((( SELECT auth.jwt() AS jwt) ->> 'org_id'::text) = org)`,
      `select current_setting('request.jwt.claims', true)::json->>'company'`,
      `select current_setting('search_path')`,
    ])
    expect(settings).toEqual(['app.tenant_id', 'request.jwt.claims'])
    expect(claims).toEqual([['app_metadata', 'organization_id'], ['org_id'], ['company']])
    expect(asksUser).toBe(true)
  })
})
