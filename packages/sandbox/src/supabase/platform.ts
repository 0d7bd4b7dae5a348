// A simulated Supabase platform: the part of its Management API that makes, shows and removes projects, over real HTTP. Paths,
// fields, status codes and the states of a project as https://supabase.com/docs/reference/api describes them and as the
// client in supabase/cli (pkg/api) is generated; the limit of 120 requests a minute and its headers as in its "Rate limits".
// It makes no Postgres: whoever starts it says where the database of a project is.
import { serve } from '@hono/node-server'
import type { ServerType } from '@hono/node-server'
import type { AddressInfo } from 'node:net'
import { randomBytes } from 'node:crypto'
import { Hono } from 'hono'
import { z } from 'zod'

const WINDOW_MS = 60_000
const REQUESTS_PER_WINDOW = 120
const REF_LENGTH = 20

export interface SimulatedProject {
  readonly ref: string
  readonly name: string
  readonly organizationSlug: string
  readonly region: string
  readonly instanceSize: string | null
  status: string
  /** Looks at it until it is up. */
  looksLeft: number
}

export interface SupabasePlatformOptions {
  readonly organizationSlug: string
  readonly accessToken: string
  /** Where the database of a new project is, once its password is the given one. */
  readonly database: (project: {
    readonly ref: string
    readonly password: string
  }) => Promise<{ readonly host: string }>
  /** How often a new project is looked at before it is up. @default 2 */
  readonly looksUntilUp?: number
  /** Epoch milliseconds. @default Date.now */
  readonly now?: () => number
}

export interface SupabasePlatform {
  /** http://127.0.0.1:port */
  readonly url: string
  readonly projects: readonly SimulatedProject[]
  readonly requests: readonly string[]
  /** The next request is answered so, and does nothing. */
  refuseNext(status: number, headers?: Readonly<Record<string, string>>): void
  /** The next project is made, and the answer is lost. */
  loseNextAnswer(): void
  /** The next project never comes up. */
  failNextProject(): void
  close(): Promise<void>
}

const newProject = z.object({
  name: z.string().min(1).max(256),
  organization_slug: z.string().min(1),
  db_pass: z.string().min(1),
  region_selection: z.object({ type: z.enum(['specific', 'smartGroup']), code: z.string().min(1) }).optional(),
  region: z.string().optional(),
  desired_instance_size: z.string().optional(),
})

/** Starts it on a free port of this machine. */
export async function startSupabasePlatform(options: SupabasePlatformOptions): Promise<SupabasePlatform> {
  const { organizationSlug, accessToken, database, looksUntilUp = 2, now = Date.now } = options
  const projects: (SimulatedProject & { host: string })[] = []
  const requests: string[] = []
  const windows = new Map<string, { endsMs: number; count: number }>()
  const next: {
    refusal: { status: number; headers: Readonly<Record<string, string>> } | null
    lost: boolean
    failing: boolean
  } = { refusal: null, lost: false, failing: false }

  const shown = ({ ref, name, organizationSlug: slug, region, status }: SimulatedProject) => ({
    id: ref,
    ref,
    name,
    organization_id: slug,
    organization_slug: slug,
    region,
    status,
    created_at: new Date(now()).toISOString(),
  })
  const find = (ref: string) => projects.find((project) => project.ref === ref && project.status !== 'REMOVED')

  const app = new Hono()
  app.use(async (context, following) => {
    requests.push(`${context.req.method} ${context.req.path}`)
    const { refusal } = next
    if (refusal !== null) {
      next.refusal = null
      return context.json({ message: 'simulated' }, refusal.status as 500, refusal.headers)
    }
    if (context.req.header('authorization') !== `Bearer ${accessToken}`)
      return context.json({ message: 'Unauthorized' }, 401)
    const scope = /^\/v1\/projects\/([a-z]+)/.exec(context.req.path)?.[1] ?? organizationSlug
    const at = now()
    const known = windows.get(scope)
    const window = known === undefined || known.endsMs <= at ? { endsMs: at + WINDOW_MS, count: 0 } : known
    window.count += 1
    windows.set(scope, window)
    const reset = String(Math.ceil((window.endsMs - at) / 1000))
    context.header('x-ratelimit-limit', String(REQUESTS_PER_WINDOW))
    context.header('x-ratelimit-remaining', String(Math.max(0, REQUESTS_PER_WINDOW - window.count)))
    context.header('x-ratelimit-reset', reset)
    if (window.count > REQUESTS_PER_WINDOW)
      return context.json({ message: 'ThrottlerException: Too Many Requests' }, 429)
    await following()
    return undefined
  })

  app.get('/v1/organizations/:slug', (context) =>
    context.req.param('slug') === organizationSlug
      ? context.json({
          id: organizationSlug,
          name: organizationSlug,
          plan: 'pro',
          opt_in_tags: [],
          allowed_release_channels: ['ga'],
        })
      : context.json({ message: 'Organization not found' }, 404),
  )
  app.get('/v1/projects', (context) =>
    context.json(projects.filter(({ status }) => status !== 'REMOVED').map((project) => shown(project))),
  )
  app.post('/v1/projects', async (context) => {
    const parsed = newProject.safeParse(await context.req.json().catch(() => null))
    if (!parsed.success) return context.json({ message: parsed.error.issues[0]?.message ?? 'Bad request' }, 400)
    const body = parsed.data
    if (body.organization_slug !== organizationSlug) return context.json({ message: 'Organization not found' }, 404)
    if ((body.region === undefined) === (body.region_selection === undefined)) {
      return context.json({ message: 'Only one of region or region_selection can be specified.' }, 400)
    }
    const ref = [...randomBytes(REF_LENGTH)].map((byte) => String.fromCharCode(97 + (byte % 26))).join('')
    const { host } = await database({ ref, password: body.db_pass })
    const project = {
      ref,
      name: body.name,
      organizationSlug,
      region: body.region_selection?.code ?? body.region ?? '',
      instanceSize: body.desired_instance_size ?? null,
      status: 'COMING_UP',
      looksLeft: next.failing ? -1 : looksUntilUp,
      host,
    }
    next.failing = false
    projects.push(project)
    if (next.lost) {
      next.lost = false
      ;(context.env as { outgoing: { destroy(): void } }).outgoing.destroy()
    }
    return context.json(shown(project), 201)
  })
  app.get('/v1/projects/:ref', (context) => {
    const project = find(context.req.param('ref'))
    if (project === undefined) return context.json({ message: 'Project not found' }, 404)
    if (project.status === 'COMING_UP') {
      if (project.looksLeft < 0) project.status = 'INIT_FAILED'
      else if (project.looksLeft === 0) project.status = 'ACTIVE_HEALTHY'
      project.looksLeft -= 1
    }
    return context.json({
      ...shown(project),
      database: { host: project.host, version: '17.6.1.011', postgres_engine: '17', release_channel: 'ga' },
    })
  })
  app.get('/v1/projects/:ref/health', (context) => {
    const project = find(context.req.param('ref'))
    if (project === undefined) return context.json({ message: 'Project not found' }, 404)
    const names = context.req.queries('services')?.flatMap((each) => each.split(',')) ?? []
    if (names.length === 0) return context.json({ message: 'services must be given' }, 400)
    const up = project.status === 'ACTIVE_HEALTHY'
    return context.json(names.map((name) => ({ name, healthy: up, status: up ? 'ACTIVE_HEALTHY' : 'COMING_UP' })))
  })
  app.delete('/v1/projects/:ref', (context) => {
    const project = find(context.req.param('ref'))
    if (project === undefined) return context.json({ message: 'Project not found' }, 404)
    project.status = 'REMOVED'
    return context.json({ id: projects.indexOf(project) + 1, ref: project.ref, name: project.name })
  })

  const server = await new Promise<ServerType>((resolve) => {
    const started = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, () => resolve(started))
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    projects,
    requests,
    refuseNext: (status, headers = {}) => {
      next.refusal = { status, headers }
    },
    loseNextAnswer: () => {
      next.lost = true
    },
    failNextProject: () => {
      next.failing = true
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        if ('closeAllConnections' in server) server.closeAllConnections()
      }),
  }
}
