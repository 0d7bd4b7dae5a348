// From a request to who it is: the token proves the person, the header or a claim names the organization, the database
// says whether the one is a member of the other now. Only app_metadata is trusted: people write user_metadata themselves.
import { RowhouseError } from '@rowhouse/contracts'
import type { JWTPayload } from 'jose'

import type { UserContext } from '../context.ts'
import type { QueryResult } from '../driver.ts'
import { bearerToken, header } from './bearer.ts'
import type { RequestLike } from './bearer.ts'
import { IssuerKeys } from './issuer-keys.ts'
import type { TrustedIssuer } from './issuer-keys.ts'
import { userIdOf } from './user-id.ts'

export interface Identified {
  /** The active organization; null for a person who has not chosen one. */
  readonly organizationId: string | null
  readonly userId: string
  /** The person's role in the organization, as it is now. */
  readonly role: string | null
  /** What the organization is entitled to: `plan`, the id of its plan. */
  readonly entitlements: Readonly<Record<string, unknown>>
}

interface MembershipRow {
  readonly role: string
  readonly entitlements: Readonly<Record<string, unknown>>
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

const MEMBERSHIP = `
select
  rowhouse.role() as role,
  json_build_object('plan', organizations.plan) as entitlements
from rowhouse.organizations
where organizations.id = rowhouse.organization_id()`

interface Handle {
  query<Row>(text: string): Promise<QueryResult<Row>>
}

export class Authenticator {
  readonly #trusted: TrustedIssuer | null
  readonly #keys: IssuerKeys | null
  readonly #as: (context: UserContext) => Handle

  constructor(trusted: TrustedIssuer | null, now: () => number, as: (context: UserContext) => Handle) {
    this.#trusted = trusted
    this.#keys = trusted === null ? null : new IssuerKeys(trusted, now)
    this.#as = as
  }

  /** @throws RowhouseError issuer_missing, issuer_unreachable, issuer_without_keys */
  async checkIssuer(): Promise<void> {
    if (this.#keys === null) throw new RowhouseError('issuer_missing')
    await this.#keys.check()
  }

  async authenticate(request: RequestLike): Promise<Identified> {
    if (this.#trusted === null || this.#keys === null) throw new RowhouseError('issuer_missing')
    const payload = await this.#keys.verify(bearerToken(request))
    const userId = userIdOf(this.#trusted.issuer, payload.sub ?? '')
    const organizationId = activeOrganization(request, payload)
    if (organizationId === null) return { organizationId, userId, role: null, entitlements: {} }
    const { rows } = await this.#as({ organizationId, userId }).query<MembershipRow>(MEMBERSHIP)
    const membership = rows[0]
    if (membership === undefined) throw new RowhouseError('not_a_member')
    return { organizationId, userId, role: membership.role, entitlements: membership.entitlements }
  }
}

/** The header wins over the claim: a person has one token and many browser tabs. */
function activeOrganization(request: RequestLike, payload: JWTPayload): string | null {
  const named = header(request, 'x-organization-id') ?? claimedOrganization(payload)
  if (named === null) return null
  if (UUID.test(named)) return named.toLowerCase()
  throw new RowhouseError('no_active_organization', 'The active organization is not a uuid.')
}

function claimedOrganization(payload: JWTPayload): string | null {
  const metadata = payload['app_metadata']
  if (typeof metadata !== 'object' || metadata === null || !('organization_id' in metadata)) return null
  return typeof metadata.organization_id === 'string' ? metadata.organization_id : null
}
