// The way in: createRowhouse(). It puts the parts together and owns nothing else.
import { Authenticator } from './authenticate/authenticator.ts'
import type { Identified } from './authenticate/authenticator.ts'
import type { RequestLike } from './authenticate/bearer.ts'
import { resolveActor } from './context.ts'
import type { Context } from './context.ts'
import { resolveOptions } from './options.ts'
import type { RowhouseOptions } from './options.ts'
import { Organization } from './organization.ts'
import { Router } from './placement/router.ts'
import type { Measured } from './placement/router.ts'
import { runReport } from './report/report.ts'
import type { ReportOptions, ReportResult } from './report/report.ts'

export class Rowhouse {
  readonly #router: Router
  readonly #atStart: number
  readonly #authenticator: Authenticator

  /** @see createRowhouse */
  constructor(options: RowhouseOptions) {
    const resolved = resolveOptions(options)
    this.#router = new Router(resolved)
    this.#atStart = Math.max(1, resolved.pool.min)
    this.#authenticator = new Authenticator(resolved.issuer, resolved.now, (context) => this.as(context))
  }

  /**
   * A handle that acts for one organization. Cheap: it connects to nothing and may be made per request, or kept.
   *
   * @throws RowhouseError invalid_option naming the field of the context
   * @example
   * const acme = rowhouse.as({ organizationId, userId })
   * const billing = rowhouse.as({ organizationId, service: 'billing' })
   */
  as(context: Context): Organization {
    return new Organization(this.#router, resolveActor(context))
  }

  /**
   * Who sent a request: verifies its bearer token against the issuer's published keys, finds the active organization
   * (the header x-organization-id, or the claim app_metadata.organization_id) and checks the membership as it is now.
   *
   * A `sub` that is not a uuid becomes a uuid version 5 over issuer and sub.
   *
   * @param request a Web Request, or anything with `headers` as Node's http gives them
   * @throws RowhouseError unauthenticated, jwt_invalid, jwt_expired, issuer_missing, issuer_unreachable,
   * issuer_without_keys, not_a_member, organization_not_found, organization_suspended
   */
  authenticate(request: RequestLike): Promise<Identified> {
    return this.#authenticator.authenticate(request)
  }

  /**
   * Reads across organizations: runs a report that the owner of the database has approved in each of them, read-only,
   * with a reason that their audit logs keep, and combines the answers in the database.
   *
   * @param name as in `rowhouse.define_report(name, …)`
   * @throws RowhouseError report_not_approved, report_too_large, report_incomplete (some organization could not be read,
   * and `partial` is not set), organization_not_found, invalid_option, or what a statement failed with
   * @example
   * const { rows } = await rowhouse.report('open_deals', { reason: 'board meeting' })
   * // per organization, one round trip: select rowhouse.enter($token); select rowhouse.run_report($arguments)
   */
  report<Row = Record<string, unknown>>(name: string, options: ReportOptions): Promise<ReportResult<Row>> {
    return runReport((context) => this.as(context), name, options, this.#router.copyWaitMs)
  }

  /**
   * Connects now instead of on first use, with `pool.min` connections or one, so that a wrong login, key, schema or clock is known at the start.
   *
   * @throws RowhouseError database_unreachable, login_bypasses_rls, not_installed, schema_outdated, schema_newer,
   * token_invalid (installed with another signing key), clock_skew
   */
  async connect(): Promise<void> {
    const { gateway } = this.#router.shared
    const takes = Array.from({ length: this.#atStart }, () => gateway.pool.take(gateway, null))
    const taken = await Promise.allSettled(takes)
    for (const outcome of taken) if (outcome.status === 'fulfilled') gateway.pool.give(outcome.value)
    await Promise.all(takes)
  }

  /**
   * Reads the issuer's keys now instead of with the first request.
   *
   * @throws RowhouseError issuer_missing, issuer_unreachable, issuer_without_keys
   */
  checkIssuer(): Promise<void> {
    return this.#authenticator.checkIssuer()
  }

  /** Connections in use, idle, being opened, and queries waiting for one, over all servers. */
  get connections(): {
    readonly idle: number
    readonly busy: number
    readonly opening: number
    readonly waiting: number
  } {
    return this.#router.counts
  }

  /** What became of counting statements; what was counted is in the catalogue, after each flush. */
  get measured(): Measured {
    return this.#router.measured
  }

  /**
   * Carries what was counted of organizations' statements to the catalogue now, instead of within `measures.flushMs`: before
   * a process ends that does not call `close`. Never rejects; what does not arrive is sent again later.
   */
  flushMeasures(): Promise<void> {
    return this.#router.flushMeasures()
  }

  /** Lets running queries finish for `pool.closeTimeoutMs`, refuses new ones, closes the connections. May be called twice. */
  close(): Promise<void> {
    return this.#router.close()
  }
}

/**
 * Opens Rowhouse on one database. It connects on first use, and refuses a login that could look past row-level security.
 *
 * @throws RowhouseError url_missing, signing_key_missing, signing_key_too_short, invalid_option
 * @example
 * const rowhouse = createRowhouse({ url, signingKey })
 * const acme = rowhouse.as({ organizationId, userId })
 * const { rows } = await acme.query('select * from contacts where id = $1', [id])
 */
export function createRowhouse(options: RowhouseOptions = {}): Rowhouse {
  return new Rowhouse(options)
}
