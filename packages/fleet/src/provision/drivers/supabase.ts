// A Supabase project for each home, through the Management API. The cluster is added with
// `https://<organization slug>:<access token>@api.supabase.com?size=micro`; its region is Supabase's, such as eu-central-1.
// A project is found again by its name, so a run that died after it was asked for finds it. Tested against a simulation.
import { RowhouseError } from '@rowhouse/contracts'

import { isLoopback } from '../clusters/servers.ts'
import type { MadeServer, ServerDriver, ServerOrder } from './driver.ts'
import { supabaseApi } from './supabase-api.ts'
import type { ProjectStatus, SupabaseApi, SupabaseProject } from './supabase-api.ts'

/** A new project takes one to two minutes. */
const POLL_MS = 5_000
const POLLS_MAX = 180
const DATABASE_PORT = 5432

export interface SupabaseDriverOptions {
  /** @default the global one */
  readonly fetch?: typeof fetch
  /** Waits between two looks at a project that comes up. @default setTimeout */
  readonly sleep?: (ms: number) => Promise<void>
  /** The port of a project's database, where a simulation has another. @default 5432 */
  readonly databasePort?: number
}

/** States that no waiting leads out of. */
const failed: ReadonlySet<ProjectStatus> = new Set([
  'INIT_FAILED',
  'REMOVED',
  'RESTORE_FAILED',
  'GOING_DOWN',
  'INACTIVE',
])

export function supabaseDriver(options: SupabaseDriverOptions = {}): ServerDriver {
  const {
    fetch = globalThis.fetch,
    sleep = (ms) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
    databasePort = DATABASE_PORT,
  } = options
  const open = (access: string): { api: SupabaseApi; slug: string; size: string | null } => {
    const url = readAccess(access)
    return {
      api: supabaseApi({
        baseUrl: url.origin,
        accessToken: decodeURIComponent(url.password),
        fetch,
        sleep,
      }),
      slug: decodeURIComponent(url.username),
      size: url.searchParams.get('size'),
    }
  }

  return {
    name: 'supabase',
    async create({ name, access, region, password, tlsCa }: ServerOrder): Promise<MadeServer> {
      const { api, slug, size } = open(access)
      const project =
        (await find(api, slug, name)) ??
        (await api.create({
          name,
          organization_slug: slug,
          db_pass: password,
          region_selection: { type: 'specific', code: region },
          ...(size !== null && { desired_instance_size: size }),
        }))
      const { host } = await whenHealthy(api, project.ref, sleep)
      const url = new URL('postgres://postgres@host/postgres')
      url.password = password
      url.hostname = host
      url.port = String(databasePort)
      return { adminUrl: url.href, tls: isLoopback(host) ? 'off' : 'verify-full', tlsCa }
    },
    async remove({ name, access }) {
      const { api, slug } = open(access)
      const project = await find(api, slug, name)
      if (project !== null) await api.remove(project.ref)
    },
    async check(access) {
      const { api, slug } = open(access)
      await api.organization(slug)
    },
  }
}

/** @throws RowhouseError invalid_option */
function readAccess(access: string): URL {
  const url = URL.canParse(access) ? new URL(access) : null
  const safe = url !== null && (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname)))
  if (url === null || !safe || url.username === '' || url.password === '') {
    throw new RowhouseError(
      'invalid_option',
      'url is not https://<organization slug>:<access token>@api.supabase.com',
      {
        details: { option: 'url' },
      },
    )
  }
  return url
}

async function find(api: SupabaseApi, slug: string, name: string): Promise<SupabaseProject | null> {
  const projects = await api.projects()
  return (
    projects.find(
      (project) =>
        project.name === name &&
        project.organization_slug === slug &&
        project.status !== 'REMOVED' &&
        project.status !== 'GOING_DOWN',
    ) ?? null
  )
}

async function whenHealthy(
  api: SupabaseApi,
  ref: string,
  sleep: (ms: number) => Promise<void>,
): Promise<{ readonly host: string }> {
  for (let poll = 0; poll < POLLS_MAX; poll += 1) {
    const project = await api.project(ref)
    if (project === null || failed.has(project.status)) {
      throw new RowhouseError(
        'supabase_project_failed',
        `The project ${ref} is ${project === null ? 'gone' : project.status}.`,
        { details: { ref, status: project?.status ?? null } },
      )
    }
    if (project.status === 'ACTIVE_HEALTHY' && project.database !== undefined && (await api.databaseIsHealthy(ref))) {
      return project.database
    }
    await sleep(POLL_MS)
  }
  throw new RowhouseError(
    'supabase_project_slow',
    `The project ${ref} has not come up in ${(POLLS_MAX * POLL_MS) / 60_000} minutes.`,
    {
      details: { ref },
    },
  )
}
