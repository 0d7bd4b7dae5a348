// The API as the console sees it, over made-up data: every answer is checked against the contracts.
// For looking at the console and for its tests. It keeps its state in memory and knows one session. Long because it answers
// every endpoint that the console asks.
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import { endpoints, errorCodes, serverEvent } from '@rowhouse/contracts'
import type {
  ActivityItem,
  Alert,
  Connection,
  ConnectionGrant,
  Endpoints,
  ErrorCode,
  EndpointId,
  Me,
  Member,
  Organization,
  ServerEvent,
} from '@rowhouse/contracts'
import { clustersOf } from './clusters.ts'
import { verificationOf } from './findings.ts'
import type { FindingsFixture } from './findings.ts'
import { logOf } from './log.ts'
import type { LogFixture } from './log.ts'
import { adviceOf, alertOf, measuresOf, usageOf, usageOfNone, withoutText } from './measures.ts'
import type { AlertsFixture } from './measures.ts'
import { mappingsOf } from './mappings.ts'
import { membersOf } from './members.ts'
import { plansOf } from './plans.ts'
import { retentionOf } from './retention.ts'
import { rolloutsOf } from './rollouts.ts'
import type { RolloutsFixture } from './rollouts.ts'
import { FIXTURE_NOW_MS, activityOf, ago, detailOf, organizationOf, placementOf, uuid } from './fixtures.ts'

export const fixtureOperatorKey = 'fixture-operator-key-0123456789abcdef'
const ACTIVITY_SEQ_MAX = 400

export interface FixtureOptions {
  /** @default 12 */
  readonly organizations?: number
  /** Who is signed in at the start. @default the operator */
  readonly me?: Me | null
  /** What the last verification found. @default found */
  readonly findings?: FindingsFixture
  /** Whether organizations are slower than usual. @default none */
  readonly alerts?: AlertsFixture
  /** How far the last rollout is. @default incomplete */
  readonly rollouts?: RolloutsFixture
  /** Whether the next one takes something away for good. @default false */
  readonly destroys?: boolean
  /** Whether anything is in the log. @default lines */
  readonly log?: 'lines' | 'empty'
  /** Whether one of the clusters is dead. @default false */
  readonly deadCluster?: boolean
  /** Folder of the built console. @default none: the API only */
  readonly siteDir?: string | null
  /** @default true */
  readonly identityProvider?: boolean
  /** @default a free one */
  readonly port?: number
}

export interface Fixture {
  readonly url: string
  readonly organizations: Organization[]
  readonly requests: string[]
  /** Sends to every open stream. */
  emit(event: ServerEvent): void
  /** Answers of one endpoint fail with this code until it is null again. */
  fail(id: EndpointId, code: ErrorCode | null): void
  /** Holds an endpoint's answers back until it is released; what loading looks like. */
  hold(id: EndpointId): () => void
  /** Cuts the streams, and refuses new ones while `refuse`. */
  cutStreams(refuse: boolean): void
  stop(): Promise<void>
}

export const operator: Me = { actor: { kind: 'operator' }, memberships: [] }

export function person(role: 'admin' | 'viewer', count = 1): Me {
  const read = ['organization.read', 'members.read', 'connections.read', 'activity.read']
  return {
    actor: { kind: 'user', userId: uuid(0xe, 1), email: 'ada@example.com', name: 'Ada Lovelace' },
    memberships: Array.from({ length: count }, (_, index) => {
      const { id, slug, name } = organizationOf(index)
      return {
        organizationId: id,
        slug,
        name,
        role,
        permissions:
          role === 'admin'
            ? [...read, 'members.manage', 'connections.manage', 'roles.manage', 'organization.manage', 'data.write']
            : read,
      }
    }),
  }
}

/** Of the first organization's connection: a role that manages it, and a member who sees it. */
const firstGrants = (connectionId: string, members: readonly Member[]): ConnectionGrant[] => {
  const common = { connectionId, grantedBy: uuid(0xe, 1), createdAt: ago(86_400_000) }
  const nobody = { role: null, userId: null, email: null, name: null }
  const [, , alan] = members
  return [
    { ...common, ...nobody, id: uuid(0xb, 1), permission: 'connections.manage', role: 'seller' },
    {
      ...common,
      ...nobody,
      id: uuid(0xb, 2),
      permission: 'connections.read',
      userId: alan?.userId ?? null,
      email: alan?.email ?? null,
      name: alan?.name ?? null,
    },
  ]
}

class Refusal extends Error {
  readonly code: ErrorCode
  constructor(code: ErrorCode) {
    super(errorCodes[code].message)
    this.code = code
  }
}

const refuse = (code: ErrorCode): never => {
  throw new Refusal(code)
}

const types: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}
// As the server sends it: no script but the console's own files, styles as the component library sets them.
const csp =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"

export async function startFixtureServer(options: FixtureOptions = {}): Promise<Fixture> {
  const organizations = Array.from({ length: options.organizations ?? 12 }, (_, index) => organizationOf(index))
  let me: Me | null = options.me === undefined ? operator : options.me
  const verification = verificationOf(options.findings ?? 'found')
  const replayed = new Set<string>()
  const first = organizations[0]?.connection?.id
  const grants = new Map<string, ConnectionGrant[]>(
    first === undefined ? [] : [[first, firstGrants(first, membersOf(refuse).list(ago(0)))]],
  )
  const members = membersOf(refuse)
  const rollouts = rolloutsOf(options.rollouts ?? 'incomplete', options.destroys === true)
  const plans = plansOf()
  const logs = new Map<number, LogFixture>()
  const retention = retentionOf(refuse)
  const mappings = mappingsOf(refuse)
  const clusters = clustersOf(options.deadCluster === true)
  const failures = new Map<EndpointId, ErrorCode>()
  const holds = new Map<EndpointId, { promise: Promise<void>; release: () => void }>()
  const streams = new Set<ServerResponse>()
  const requests: string[] = []
  let refuseStreams = false

  const visible = (): Organization[] => {
    if (me === null) throw new Refusal('unauthenticated')
    if (me.actor.kind === 'operator') return organizations
    const mine = new Set(me.memberships.map(({ organizationId }) => organizationId))
    return organizations.filter(({ id }) => mine.has(id))
  }
  const find = (params: Record<string, string>): [Organization, number] => {
    const organization = visible().find(({ id }) => id === params['organizationId'])
    if (organization === undefined) throw new Refusal('organization_not_found')
    return [organization, organizations.indexOf(organization)]
  }
  const connected = (params: Record<string, string>): Connection => {
    const { connection } = find(params)[0]
    if (connection === null || connection.id !== params['connectionId']) throw new Refusal('connection_not_found')
    return connection
  }
  const log = (params: Record<string, string>): LogFixture => {
    const [, index] = find(params)
    const found = logs.get(index) ?? logOf(index, refuse)
    logs.set(index, found)
    return found
  }
  const recordOf = (params: Record<string, string>): [string, string] => [
    params['table'] ?? '',
    decodeURIComponent(params['recordId'] ?? ''),
  ]
  const setStatus = (params: Record<string, string>, status: Organization['status']): Organization => {
    if (me?.actor.kind !== 'operator') refuse('permission_denied')
    const [organization, index] = find(params)
    const changed = { ...organization, status }
    organizations[index] = changed
    return changed
  }
  const emit = (event: ServerEvent): void => {
    const text = `event: ${event.type}\ndata: ${JSON.stringify(serverEvent.parse(event))}\n\n`
    for (const stream of streams) stream.write(text)
  }
  const setState = (params: Record<string, string>, state: 'live' | 'paused' | 'resyncing'): Connection => {
    const [organization, index] = find(params)
    const connection: Connection = {
      ...connected(params),
      state,
      stateReason: state === 'paused' ? 'Paused by the operator.' : null,
      lagMs: 0,
    }
    organizations[index] = { ...organization, connection }
    emit({ type: 'connection', connection: detailOf(connection) })
    return connection
  }

  const alerts = (): Alert[] => {
    if (options.alerts !== 'some') return []
    const mine = new Set(visible().map(({ id }) => id))
    const all = [alertOf(0), alertOf(5), alertOf(3, false), alertOf(0, false)]
    const seen = all.filter(({ organizationId }) => mine.has(organizationId))
    return me?.actor.kind === 'operator' ? seen : seen.map(withoutText)
  }

  type Answer = (params: Record<string, string>, query: Record<string, string>, body: Record<string, string>) => unknown
  const answers: Partial<Record<EndpointId, Answer>> = {
    getSignInMethods: () => ({
      operatorKey: true,
      signedIn: me !== null,
      identityProvider:
        options.identityProvider === false ? null : { startUrl: '/v1/session/start', label: 'Example SSO' },
    }),
    signInAsOperator: (_params, _query, body) => {
      if (body['operatorKey'] !== fixtureOperatorKey) throw new Refusal('operator_key_wrong')
      return (me = operator)
    },
    signOut: () => {
      me = null
      return { signedOut: true }
    },
    getMe: () => {
      visible()
      return me
    },
    listOrganizations: (_params, query) => {
      const all = visible().filter(({ name }) => name.toLowerCase().includes((query['search'] ?? '').toLowerCase()))
      const from = Number(query['cursor'] ?? 0)
      const to = from + Number(query['limit'] ?? 100)
      return { items: all.slice(from, to), next: to < all.length ? String(to) : null }
    },
    getOrganization: (params) => find(params)[0],
    suspendOrganization: (params) => setStatus(params, 'suspended'),
    resumeOrganization: (params) => setStatus(params, 'active'),
    listAuditLog: (params, query) => (options.log === 'empty' ? { items: [], next: null } : log(params).list(query)),
    getRecordHistory: (params) => log(params).life(...recordOf(params)),
    undeleteRecord: (params) => log(params).undelete(...recordOf(params)),
    getRetention: (params) => find(params) && retention.get(),
    previewRetention: (params, query) =>
      find(params) && retention.preview(query['days'] === undefined ? null : Number(query['days'])),
    setRetention: (params, _query, body) => find(params) && retention.set(body),
    listMembers: (params) => ({ items: members.list(find(params)[0].createdAt) }),
    setMemberRole: (params, _query, body) =>
      members.setRole(params['userId'] ?? '', body['role'] ?? '', find(params)[0].createdAt),
    removeMember: (params) => find(params) && members.remove(params['userId'] ?? ''),
    listRoles: (params) => find(params) && members.roles(),
    listInvitations: (params) => find(params) && members.invitations(),
    createInvitation: (params, _query, body) =>
      find(params) && members.invite(body['email'] ?? '', body['role'] ?? 'member'),
    revokeInvitation: (params) => find(params) && members.revoke(params['invitationId'] ?? ''),
    acceptInvitation: (_params, _query, body) =>
      body['token'] === 'a'.repeat(43) ? { organizationId: uuid(0xa, 1) } : refuse('invitation_invalid'),
    getPlacement: (params) =>
      me?.actor.kind === 'operator' ? placementOf(find(params)[0]) : refuse('permission_denied'),
    listRollouts: () => rollouts.list(),
    getRollout: (params) => rollouts.get(params['rolloutId'] ?? '') ?? refuse('rollout_not_found'),
    planRollout: () => rollouts.plan(),
    startRollout: (_params, _query, body) => {
      if (options.destroys === true && body['confirm'] === undefined) throw new Refusal('rollout_unconfirmed')
      return rollouts.start(body)
    },
    cancelRollout: (params) =>
      rollouts.change(params['rolloutId'] ?? '', {
        state: 'stopped',
        finishedAt: ago(0),
        code: 'rollout_cancelled',
        message: errorCodes.rollout_cancelled.message,
      }) ?? refuse('rollout_not_found'),
    resumeRollout: (params) =>
      rollouts.change(params['rolloutId'] ?? '', { state: 'running', finishedAt: null, code: null, message: null }) ??
      refuse('rollout_not_found'),
    listClusters: () => ({ items: clusters.list() }),
    checkCluster: (params) => clusters.check(params['clusterId'] ?? '') ?? refuse('cluster_unknown'),
    listDatabases: () => clusters.databases(),
    listPlans: () => plans.list(organizations),
    setPlan: (params, _query, body) => plans.set(params['planId'] ?? '', body, organizations),
    getOrganizationLimits: (params) => plans.limitsOf(find(params)[0]),
    setOrganizationLimits: (params, _query, body) => plans.setLimits(find(params)[0], body),
    setOrganizationPlan: (params, _query, body) => {
      const [organization, index] = find(params)
      const changed = { ...organization, plan: body['plan'] ?? '' }
      organizations[index] = changed
      return placementOf(changed)
    },
    listConnectors: () => ({
      items: (['hubspot', 'netsuite', 'salesforce'] as const).map((id) => ({
        id,
        name: { hubspot: 'HubSpot', netsuite: 'NetSuite', salesforce: 'Salesforce' }[id],
        objects: ['company', 'contact'],
        webhooks: id === 'hubspot',
        tier: 'certified',
        canAuthorize: true,
      })),
    }),
    listAlerts: (_params, query) => ({
      items: alerts().filter(({ closedAt }) => (query['state'] === 'closed') === (closedAt !== null)),
      next: null,
    }),
    listOrganizationAlerts: (params) => ({
      items: alerts().filter(({ organizationId }) => organizationId === find(params)[0].id),
    }),
    listUsage: (_params, query) =>
      me?.actor.kind !== 'operator'
        ? refuse('permission_denied')
        : (organizations.length === 0 ? usageOfNone : usageOf)(Number(query['minutes'] ?? 5)),
    getMeasures: (params) => measuresOf(find(params)[1]),
    getAdvice: (params) => adviceOf(...find(params)),
    listConnectionGrants: (params) => ({ items: grants.get(connected(params).id) ?? [] }),
    grantConnection: (params, _query, body) => {
      const { id } = connected(params)
      const member = members.list(ago(0)).find(({ userId }) => userId === body['userId'])
      const grant = {
        id: uuid(0xb, (grants.get(id)?.length ?? 0) + 100),
        connectionId: id,
        permission: body['permission'] as ConnectionGrant['permission'],
        role: body['role'] ?? null,
        userId: member?.userId ?? null,
        email: member?.email ?? null,
        name: member?.name ?? null,
        grantedBy: null,
        createdAt: ago(1000),
      }
      grants.set(id, [...(grants.get(id) ?? []), grant])
      return grant
    },
    revokeConnectionGrant: (params) => {
      const { id } = connected(params)
      grants.set(
        id,
        (grants.get(id) ?? []).filter((grant) => grant.id !== params['grantId']),
      )
      return { revoked: true }
    },
    getFindings: () => verification.read(),
    runFindings: () => verification.run(),
    getConnection: (params) => detailOf(connected(params)),
    pauseConnection: (params) => setState(params, 'paused'),
    resumeConnection: (params) => setState(params, 'live'),
    removeConnection: (params) => {
      connected(params)
      const [organization, index] = find(params)
      organizations[index] = { ...organization, connection: null }
      return { removed: true }
    },
    resyncConnection: (params) => setState(params, 'resyncing'),
    getMapping: (params) => mappings.get(connected(params)),
    getRemoteSchema: (params) => connected(params) && mappings.schema(params['object'] ?? ''),
    listMappingColumns: (params) => connected(params) && mappings.columns(params['table'] ?? ''),
    setMapping: (params, _query, body) => mappings.set(connected(params), body),
    listActivity: (params, query) => {
      const [organization, index] = find(params)
      if (organization.connection === null) return { items: [], next: null }
      const items: ActivityItem[] = []
      const limit = Number(query['limit'] ?? 50)
      let seq = Number(query['before'] ?? ACTIVITY_SEQ_MAX + 1) - 1
      for (; seq > 0 && items.length < limit; seq -= 1) {
        const item = activityOf(index, seq, ACTIVITY_SEQ_MAX)
        if (
          (['direction', 'table', 'recordId'] as const).every(
            (key) => query[key] === undefined || query[key] === item[key],
          )
        )
          items.push(item)
      }
      return { items, next: seq > 0 && items.length > 0 ? (items.at(-1) as ActivityItem).seq : null }
    },
    listDeadLetters: (params) => {
      const { connection } = find(params)[0]
      return {
        items: Array.from({ length: connection?.deadLetters ?? 0 }, (_, index) => ({
          id: String(index + 1),
          connectionId: connection?.id,
          object: 'contact',
          direction: index === 0 ? 'outbound' : 'inbound',
          recordId: index === 0 ? uuid(0xd, 2) : null,
          remoteId: index === 0 ? null : '90214',
          code: index === 0 ? 'field_invalid' : 'reference_missing',
          reason:
            index === 0
              ? 'HubSpot refuses the value of phone: "n/a" is not a telephone number.'
              : 'The contact belongs to a company that is not here.',
          attempts: 6 - index,
          firstAt: ago(7_200_000),
          lastAt: ago(340_000 + index * 60_000),
        })).filter(({ id }) => !replayed.has(id)),
      }
    },
    replayDeadLetter: (params) => {
      find(params)
      replayed.add(params['deadLetterId'] as string)
      return { replayed: true }
    },
    listConflicts: (params) => {
      const { connection } = find(params)[0]
      return {
        items: Array.from({ length: connection?.conflicts ?? 0 }, (_, index) => ({
          id: String(index + 1),
          connectionId: connection?.id,
          object: 'contact',
          recordId: uuid(0xd, 1),
          remoteId: '90211',
          field: 'title',
          base: 'Engineer',
          local: 'Staff engineer',
          remote: 'Principal engineer',
          winner: 'local',
          at: ago(5_400_000),
        })),
      }
    },
  }

  async function answer(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    for (const [id, endpoint] of Object.entries(endpoints) as [EndpointId, Endpoints[EndpointId]][]) {
      const pattern = new RegExp(`^${endpoint.path.replaceAll(/:(\w+)/g, '(?<$1>[^/]+)')}$`)
      const found = request.method === endpoint.method ? pattern.exec(url.pathname) : null
      if (found === null) continue
      await holds.get(id)?.promise
      const code = failures.get(id)
      if (code !== undefined) throw new Refusal(code)
      const handle = answers[id]
      if (handle === undefined) break
      let text = ''
      for await (const chunk of request) text += String(chunk)
      const body = (text === '' ? {} : JSON.parse(text)) as Record<string, string>
      const result = endpoint.response.parse(handle({ ...found.groups }, Object.fromEntries(url.searchParams), body))
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result))
      return
    }
    throw new Refusal('not_found')
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://fixture')
    if (url.pathname === '/v1/events') {
      visible()
      if (refuseStreams) throw new Refusal('database_unreachable')
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' }).write(': open\n\n')
      streams.add(response)
      response.on('close', () => streams.delete(response))
      return
    }
    if (url.pathname === '/v1/session/start') {
      me = person('admin')
      response.writeHead(302, { location: url.searchParams.get('returnTo') ?? '/' }).end()
      return
    }
    if (url.pathname.startsWith('/v1/')) {
      requests.push(`${request.method} ${url.pathname}${url.search}`)
      await answer(request, response, url)
      return
    }
    if (options.siteDir == null) throw new Refusal('not_found')
    const isFile = extname(url.pathname) !== ''
    const content = await readFile(join(options.siteDir, isFile ? url.pathname : 'index.html')).catch(() => null)
    if (content === null) throw new Refusal('not_found')
    response
      .writeHead(200, {
        'content-type': types[isFile ? extname(url.pathname) : '.html'] ?? 'application/octet-stream',
        'content-security-policy': csp,
      })
      .end(content)
  }

  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      const code = error instanceof Refusal ? error.code : 'internal'
      const message = error instanceof Error ? error.message : String(error)
      response
        .writeHead(errorCodes[code].status, { 'content-type': 'application/json' })
        .end(JSON.stringify({ code, message, hint: errorCodes[code].hint, requestId: 'req_fixture' }))
    })
  })
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    organizations,
    requests,
    emit,
    fail: (id, code) => void (code === null ? failures.delete(id) : failures.set(id, code)),
    hold: (id) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      holds.set(id, { promise, release: resolve })
      return () => {
        holds.delete(id)
        resolve()
      }
    },
    cutStreams: (refuse) => {
      refuseStreams = refuse
      for (const stream of streams) stream.destroy()
    },
    stop: () =>
      new Promise((resolve) => {
        for (const { release } of holds.values()) release()
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** What the fixture's newest change would be followed by. */
export const nextActivity = (organizationIndex: number, steps: number): ActivityItem => ({
  ...activityOf(organizationIndex, ACTIVITY_SEQ_MAX + steps, ACTIVITY_SEQ_MAX + steps),
  at: new Date(FIXTURE_NOW_MS - 1000).toISOString(),
})
