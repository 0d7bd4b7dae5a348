// The part of Supabase's Management API that makes and removes projects: https://supabase.com/docs/reference/api. Shapes and
// status codes as in the client that Supabase's own CLI is built with (supabase/cli, pkg/api): POST /v1/projects answers 201,
// GET and DELETE 200. Tested against a simulation (packages/sandbox/src/supabase).
import { RowhouseError } from '@rowhouse/contracts'

/** https://supabase.com/docs/reference/api/introduction: 120 requests a minute for a user and scope; more is 429. */
const ATTEMPTS_MAX = 5
const RETRY_BASE_MS = 1_000
const RETRY_MS_MAX = 60_000
const REQUEST_TIMEOUT_MS = 30_000

export type ProjectStatus =
  | 'ACTIVE_HEALTHY'
  | 'ACTIVE_UNHEALTHY'
  | 'COMING_UP'
  | 'GOING_DOWN'
  | 'INACTIVE'
  | 'INIT_FAILED'
  | 'REMOVED'
  | 'RESTARTING'
  | 'RESTORING'
  | 'UNKNOWN'
  | 'UPGRADING'
  | 'PAUSING'
  | 'RESIZING'
  | 'RESTORE_FAILED'
  | 'PAUSE_FAILED'

export interface SupabaseProject {
  readonly ref: string
  readonly name: string
  readonly organization_slug: string
  readonly region: string
  readonly status: ProjectStatus
  /** Of GET /v1/projects/:ref; a list may leave it out. */
  readonly database?: { readonly host: string; readonly version: string }
}

export interface NewProject {
  readonly name: string
  readonly organization_slug: string
  readonly db_pass: string
  readonly region_selection: { readonly type: 'specific'; readonly code: string }
  readonly desired_instance_size?: string
}

export interface SupabaseApi {
  organization(slug: string): Promise<void>
  projects(): Promise<readonly SupabaseProject[]>
  project(ref: string): Promise<SupabaseProject | null>
  create(project: NewProject): Promise<SupabaseProject>
  remove(ref: string): Promise<void>
  databaseIsHealthy(ref: string): Promise<boolean>
}

export interface SupabaseApiOptions {
  readonly baseUrl: string
  readonly accessToken: string
  readonly fetch: typeof fetch
  readonly sleep: (ms: number) => Promise<void>
}

export function supabaseApi({ baseUrl, accessToken, fetch, sleep }: SupabaseApiOptions): SupabaseApi {
  /** @param again whether the request may be repeated when it is not known what became of it */
  async function call(method: string, path: string, body?: unknown, again = true): Promise<Response> {
    for (let attempt = 1; ; attempt += 1) {
      const last = attempt === ATTEMPTS_MAX
      const response = await fetch(new URL(path, baseUrl), {
        method,
        // A body with a password follows no address that an answer names.
        redirect: 'error',
        headers: {
          authorization: `Bearer ${accessToken}`,
          accept: 'application/json',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      }).catch((cause: unknown) => {
        if (last || !again) throw unreachable(baseUrl, cause)
        return null
      })
      if (response === null) {
        await sleep(RETRY_BASE_MS * 2 ** (attempt - 1))
        continue
      }
      // A refusal for too many requests did nothing; what a failing server did is not known.
      if (last || !(response.status === 429 || (response.status >= 500 && again))) return response
      await response.body?.cancel()
      await sleep(waitMs(response, attempt))
    }
  }

  async function json<Body>(response: Response, what: string, password = ''): Promise<Body> {
    if (response.ok) return (await response.json()) as Body
    throw await refusal(response, what, [accessToken, password])
  }

  return {
    async organization(slug) {
      await json(await call('GET', `/v1/organizations/${encodeURIComponent(slug)}`), `look at the organization ${slug}`)
    },
    async projects() {
      return json(await call('GET', '/v1/projects'), 'list projects')
    },
    async project(ref) {
      const response = await call('GET', `/v1/projects/${encodeURIComponent(ref)}`)
      if (response.status === 404) return null
      return json(response, `look at the project ${ref}`)
    },
    async create(project) {
      // Asked twice it would make two: who calls looks for the name before.
      const response = await call('POST', '/v1/projects', project, false)
      return json(response, `make the project ${project.name}`, project.db_pass)
    },
    async remove(ref) {
      const response = await call('DELETE', `/v1/projects/${encodeURIComponent(ref)}`)
      if (response.status !== 404) await json(response, `remove the project ${ref}`)
    },
    async databaseIsHealthy(ref) {
      const path = `/v1/projects/${encodeURIComponent(ref)}/health?services=db`
      const services = await json<{ name: string; status: string }[]>(await call('GET', path), `check ${ref}`)
      return services.some(({ name, status }) => name === 'db' && status === 'ACTIVE_HEALTHY')
    },
  }
}

function waitMs(response: Response, attempt: number): number {
  const seconds = Number(response.headers.get('retry-after') ?? response.headers.get('x-ratelimit-reset') ?? Number.NaN)
  const asked = Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : RETRY_BASE_MS * 2 ** (attempt - 1)
  return Math.min(asked, RETRY_MS_MAX)
}

function unreachable(baseUrl: string, cause: unknown): RowhouseError {
  return new RowhouseError('supabase_unreachable', `No answer from ${new URL(baseUrl).host}.`, { cause })
}

/** @param secrets what the answer may repeat of the question; the message is kept and shown */
async function refusal(response: Response, what: string, secrets: readonly string[]): Promise<RowhouseError> {
  let text = await response.text().catch(() => '')
  for (const secret of secrets) if (secret !== '') text = text.replaceAll(secret, '[removed]')
  let message = text.slice(0, 300)
  try {
    const body = JSON.parse(text) as { message?: unknown }
    if (typeof body.message === 'string') message = body.message.slice(0, 300)
  } catch {
    // Not JSON: as it came.
  }
  const code =
    response.status === 401 || response.status === 403
      ? 'supabase_unauthorized'
      : response.status === 429 || response.status >= 500
        ? 'supabase_unreachable'
        : 'supabase_refused'
  return new RowhouseError(code, `Supabase would not ${what} (${response.status}): ${message}`, {
    details: { status: response.status },
  })
}
